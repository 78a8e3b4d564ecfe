"""Adapters over FAISS, and its own ways to search inside a constraint, which ours are measured against."""
