from pathlib import Path

import pytest

from http_rig import Api


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)
