"""The HTTP API: the one contract, `/openapi.json`, by which everything outside speaks to smallpool."""
