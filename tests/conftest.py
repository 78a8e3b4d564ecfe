"""What every test stands on: repeatable property tests, second chances on real servers, and material that may be absent."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from checkout import ROOT

# Nothing here may depend on the speed of the machine, so neither deadlines nor the health check of slow generation.
_untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("repeatable", parent=_untimed, derandomize=True, database=None)
settings.register_profile("explore", parent=_untimed, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

TESTS = ROOT / "tests"
ON_SERVERS = tuple(TESTS / name for name in ("browser", "faults", "stack", "stores/elasticsearch", "stores/kafka"))
"""Here processes are killed and hung beside one another on whatever machine it is."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test on real servers that fails has one more chance; the closing line counts it as rerun, for somebody to look at.

    Where tests run in several processes, those of a file stay together, and so do those that share what a machine has once.
    """
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in ON_SERVERS):
            item.add_marker(pytest.mark.flaky(reruns=1))
        item.add_marker(pytest.mark.xdist_group(_shares(item) or item.path.relative_to(TESTS).as_posix()))


def _shares(item: pytest.Item) -> str | None:
    """The servers that tests take away, or the console that a browser looks at."""
    if "harmed" in getattr(item, "fixturenames", ()):
        return "harmed"
    return "browser" if item.path.is_relative_to(TESTS / "browser") else None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real titles and events beside the checkout; a named skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data beside the checkout")
    return folder
