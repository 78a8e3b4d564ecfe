"""Adapters over Redis: what is kept of people, and what happens to items."""
