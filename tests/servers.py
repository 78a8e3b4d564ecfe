"""Where the real servers are that adapters are tested against; without one its tests are a named skip, and an error in CI.

In: `SMALLPOOL_ELASTICSEARCH_URL`, `SMALLPOOL_KAFKA_BOOTSTRAP`, `SMALLPOOL_REDIS_URL`, else what `smallpool stack up` started.
Out: addresses.
"""

import os

import pytest

from smallpool_config import stack

VARIABLES = {
    "elasticsearch": "SMALLPOOL_ELASTICSEARCH_URL",
    "kafka": "SMALLPOOL_KAFKA_BOOTSTRAP",
    "redis": "SMALLPOOL_REDIS_URL",
}


def address(server: str) -> str:
    """Where the server is; skips the test if there is none, and fails it in CI."""
    found = os.environ.get(VARIABLES[server]) or _of_stack(server)
    if found is not None:
        return found
    message = f"needs {server}: run `smallpool stack up`, or set {VARIABLES[server]} to a server that tests may write to"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def _of_stack(server: str) -> str | None:
    """Where the stack has it, None where none of its nodes runs."""
    found = stack.running()
    if found is None or not any(found.pids[server]):
        return None
    return {"elasticsearch": found.elasticsearch_url, "kafka": found.kafka_bootstrap, "redis": found.redis_url}[server]
