"""A write path of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from write_rig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.database.close()
