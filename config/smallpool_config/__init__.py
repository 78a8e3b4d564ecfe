"""Settings, the composition root that wires ports to adapters, and the command line."""
