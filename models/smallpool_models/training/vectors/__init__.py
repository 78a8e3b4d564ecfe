"""Training of the vectors of items and of people's interests."""
