from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from browser_rig import Served, Visitor, browsing, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("shop")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(server: Served) -> Iterator[Browser]:  # noqa: ARG001, the server first: while there is a browser nothing here runs an event loop
    """For one file of tests, so that no other test finds it running."""
    with browsing() as made:
        yield made


@pytest.fixture
def operator(browser: Browser, server: Served) -> Iterator[Visitor]:
    """An operator who is logged in; the test fails if their browser asked anything of another machine, or complained."""
    with Visitor(browser, server) as visitor:
        yield visitor.log_in()
        visitor.assert_quiet()
