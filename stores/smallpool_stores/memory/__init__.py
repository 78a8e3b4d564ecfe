"""Adapters that live in this process: the live view and the columns of the wide index, packed in arrays, and a plain seen list."""
