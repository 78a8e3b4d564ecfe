"""What `smallpool bench vectors` measures of usearch, where it is installed; nothing else needs it."""
