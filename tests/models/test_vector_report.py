"""The page of pictures: one file, nothing from elsewhere, and text stays text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from smallpool_config.evaluation.vector_report import Likenesses, Pictures, histogram, page, write_page
from smallpool_models.evaluation.portraits import Interest, ItemMap, Neighbour, Neighbourhood, Person, Point

EVIL = "<script>alert(1)</script>\" onload='x' & 茶"
FETCHES = {"src", "href", "xlink:href", "data", "action", "poster", "srcset", "background"}


def pictures(name: str) -> Pictures:
    other = Neighbour(name, name)
    return Pictures(
        title=name,
        facts=[("data", name)],
        figures=("hr@10",),
        rows=[(name, [0.1234])],
        items=ItemMap([Point(0.5, 0.25, 0, name, name), Point(1, 1, -1, name, name)], [name]),
        before=name,
        neighbourhoods=[Neighbourhood(other, [(1, other, None)])],
        people=[Person([other], [Interest(0.75, [(name, 0.5)])], [name], 0.3), Person([other], [], [], 0.0)],
        likenesses=[Likenesses(name, [0.1, 0.3, -1.0, 1.0], 2), Likenesses("nobody", [], 5)],
    )


class Tags(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = page(pictures("tea"))
    told = Tags(text)
    assert {tag for tag, _ in told.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "image", "use", "base"})
    assert [name for _, attributes in told.tags for name in attributes if name in FETCHES or name.startswith("on")] == []
    assert re.search(r"url\(|@import|https?:", text) is None


def test_what_a_seller_wrote_stands_in_the_page_as_text() -> None:
    hostile, harmless = Tags(page(pictures(EVIL))), Tags(page(pictures("tea")))
    assert [(tag, set(attributes)) for tag, attributes in hostile.tags] == [(tag, set(attributes)) for tag, attributes in harmless.tags]
    assert hostile.text.count(EVIL) == harmless.text.count("tea")
    assert harmless.text.count("tea") > 10


def test_every_point_figure_and_interest_is_on_the_page() -> None:
    told = Tags(page(pictures("tea")))
    assert [tag for tag, _ in told.tags].count("circle") == 2
    assert "0.1234" in told.text
    assert "75 %" in told.text
    assert "none" in told.text, "who has no latent category"


def test_bars_count_by_tenths_and_the_highest_fills_the_picture() -> None:
    made = histogram([-1.0, 0.05, 0.05, 0.15, 1.0])
    assert [bar.told.rpartition(" ")[2] for bar in made.bars if bar.height] == ["1", "2", "1", "1"]
    assert max(bar.height for bar in made.bars) == made.bars[10].height == 120
    assert made.mean == pytest.approx(0.05)
    assert histogram([]).mean is None


def test_the_page_is_one_file_in_a_folder_that_is_made_for_it(tmp_path: Path) -> None:
    write_page(tmp_path / "new" / "out.html", pictures("tea"))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.html"]
    assert (tmp_path / "new" / "out.html").read_text(encoding="utf-8") == page(pictures("tea"))
