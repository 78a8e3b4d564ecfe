"""`smallpool demo`: the whole story from nothing, with the promises that it shows being kept."""

import re
from pathlib import Path

import pytest

from cli_rig import Printed, Shell
from smallpool_config.demo.market import Market, generate
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import open_system


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """The story over 400 listings."""
    return Shell(tmp_path_factory.mktemp("demo")).run("demo", "--once", "--items", "400")


def section(told: Printed, start: str, end: str) -> str:
    return told.out.partition(start)[2].partition(end)[0]


def test_it_tells_every_part_of_the_product(told: Printed) -> None:
    parts = (
        "listings recallable",
        "op: within",
        "did last",
        "first page",
        "claim",
        "Why was it not shown?",
        "found site-wide",
        "Does it matter?",
        "/docs",
    )
    assert [part for part in parts if part not in told.out] == []
    assert re.search(r"^export SMALLPOOL_KEY=sp_\S+$", told.out, flags=re.MULTILINE)


def test_the_two_pages_of_a_person_repeat_nothing(told: Printed) -> None:
    pages = section(told, ", first page", ", first page")
    item_ids = re.findall(r"\bit-\d{6}\b", pages)
    assert len(item_ids) == len(set(item_ids)) == 20
    assert "20 items on 2 pages, 0 of them twice" in told.out


def test_it_shows_the_interests_of_a_person_and_an_item_of_a_category_that_is_new_to_them(told: Printed) -> None:
    scene = section(told, "Several interests", "How the first page")
    assert re.search(r"^ +1 +\S.* +\d+% ", scene, flags=re.MULTILINE)
    assert re.search(r"→ .+ › .+: latent, a category new to them beside interest \d: ", scene)


def test_inside_each_pool_recall_finds_what_a_site_wide_list_misses(told: Printed) -> None:
    rows = re.findall(r"^.* (\d+\.\d) +(\d+\.\d) +\d+%", section(told, "Why inside the pool?", "Does it matter?"), flags=re.MULTILINE)
    assert len(rows) == 5
    assert all(float(site_wide) < float(inside) for site_wide, inside in rows)


def test_its_experiment_counts_every_buyer_once_and_says_how_sure_it_is(told: Printed) -> None:
    report = section(told, "Does it matter?", "Ask it yourself")
    people = re.findall(r"^ +(as_they_like|newest) +(\d+) +\d+\.\d\d% +50.00%", report, flags=re.MULTILINE)
    assert sum(int(count) for _, count in people) == 80
    clicks = re.search(r"clicks a person +all +as_they_like +(\S+) +(\S+) … (\S+) ", report)
    assert clicks is not None
    value, low, high = map(float, clicks.groups())
    assert low < value < high
    assert re.search(r"\n +newest +\S+ +\S+ … \S+ +[+-]\d+\.\d% +[+-]\d+\.\d% … [+-]\d+\.\d% +[\d<.]", report)


def test_the_same_seed_makes_the_same_marketplace(tmp_path: Path) -> None:
    system = open_system(Settings(store=StoreSettings(directory=str(tmp_path))))
    first, again, other = (generate(system, 100, seed) for seed in (1, 1, 2))
    assert titles(first) == titles(again)
    assert [(event.type, event.item_id) for event in first.events] == [(event.type, event.item_id) for event in again.events]
    assert titles(first) != titles(other)


def titles(market: Market) -> list[str]:
    return [event.given.title for event in market.listings if event.given is not None]


def test_a_directory_that_holds_data_is_left_alone(shell: Shell) -> None:
    shell.publish([])
    assert "name a new directory" in shell.run("demo", "--once", "--data", str(shell.data), code=1).err


def test_a_given_directory_keeps_the_marketplace(shell: Shell) -> None:
    shell.run("demo", "--once", "--items", "100", "--data", str(shell.data))
    assert len(shell.run("pools", "list", "--json").json) == 5
    assert shell.run("doctor", "--json").json["ok"]
