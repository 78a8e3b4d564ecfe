"""Adapters over DuckDB: what is counted over more events than memory holds."""
