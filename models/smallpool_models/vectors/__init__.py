"""What items and people are made of where vectors are learnt: files of behaviour, vocabularies, rows of numbers. Without torch."""
