"""Labels of whole titles: a category or several tags of each, what a net reads of a title for them, and how good they are."""
