"""Experiments: who is in which bucket, what a bucket changes of a page, and what came of it."""
