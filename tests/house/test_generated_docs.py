"""The documentation's tables of commands, settings and metrics say what the code says."""

import msgspec
import pytest

from checkout import ROOT
from smallpool_config.docs import PAGES, meanings_of
from smallpool_config.settings import Settings

SECTIONS = [
    field.type for field in msgspec.structs.fields(Settings) if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct)
]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_setting_is_explained(section: type[msgspec.Struct]) -> None:
    assert [name for name, meaning in meanings_of(section).items() if not meaning] == []
