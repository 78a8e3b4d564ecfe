from collections.abc import Iterator
from pathlib import Path

import pytest

from console_rig import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The console over an empty marketplace; nobody is logged in."""
    made = Desk(tmp_path)
    yield made
    made.api.rig.database.close()
