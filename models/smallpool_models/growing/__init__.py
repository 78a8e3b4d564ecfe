"""What the knowledge base lacks: words of titles that may be entries, for a person to accept."""
