"""Every port of the embedded wiring over one SQLite file in WAL mode: one module a port, `database` under all of them."""
