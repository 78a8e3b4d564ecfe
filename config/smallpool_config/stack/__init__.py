"""Real Elasticsearch, Kafka and Redis on loopback, from published jars and a Debian package, for tests and for trying things out.

In: `up`, `down`, `kill`, `start`, `running`. Out: servers as processes of their own, and their `Addresses`.
"""

from smallpool_config.stack.operate import Addresses, ServerSilent, down, kill, running, start, up

__all__ = ["Addresses", "ServerSilent", "down", "kill", "running", "start", "up"]
