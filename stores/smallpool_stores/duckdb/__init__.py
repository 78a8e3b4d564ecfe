"""Adapters over DuckDB: joins of logs that are larger than memory."""
