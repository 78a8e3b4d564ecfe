from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, so that no stack of the machine is touched."""
    monkeypatch.setenv("SMALLPOOL_CACHE", str(tmp_path / "cache"))
