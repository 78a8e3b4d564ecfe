"""Every adapter of a port, one package per technology; vendor clients are imported here alone."""
