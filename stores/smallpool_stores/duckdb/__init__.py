"""Adapters over DuckDB: what is counted, or joined, over more events than memory holds."""
