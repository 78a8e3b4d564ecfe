"""Sources of candidates, one module each, all held to the contract in `source.py`."""
