"""A marketplace of the test's own with one live pool `p` of everything in it; and the HTTP API over one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harm_rig import Servers, servers
from http_rig import Api
from system_rig import EVERYTHING, Marketplace


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Marketplace]:
    with Marketplace(tmp_path) as made:
        made.put_pool("p", EVERYTHING)
        yield made


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    made = Api(tmp_path)
    yield made
    made.rig.database.close()


@pytest.fixture(scope="session")
def harmed() -> Iterator[Servers]:
    """Real servers that tests take away, and bring back before they end."""
    with servers() as made:
        yield made


@pytest.fixture
def harming(harmed: Servers) -> Iterator[Servers]:
    """The same, sound again after the test."""
    try:
        yield harmed
    finally:
        harmed.mend()
