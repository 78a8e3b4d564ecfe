"""`smallpool recall`, `why`, `triggers` and `understand`: pages that repeat nothing, answers that say why, terminals left alone."""

import asyncio
import json
from collections import Counter

from builders import NOW, user_event
from cli_rig import Shell, listing
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import System, open_system
from smallpool_core.events import encode_user_event


def system_of(shell: Shell) -> System:
    return open_system(Settings(store=StoreSettings(directory=str(shell.data))))


def test_twenty_pages_of_ten_repeat_nothing_and_hold_at_most_three_of_a_category(market: Shell) -> None:
    pages = [market.run("recall", "p", "--user", "reader", "--json").json for _ in range(20)]
    item_ids = [line["item_id"] for page in pages for line in page["items"]]
    assert len(item_ids) == len(set(item_ids)) == 200
    assert max(max(Counter(tuple(line["category"]) for line in page["items"]).values()) for page in pages) <= 3
    assert {page["short"] for page in pages} == {None}


def test_a_dry_run_serves_nothing(market: Shell) -> None:
    first = market.run("recall", "p", "--user", "looker", "--dry-run", "--json").json
    again = market.run("recall", "p", "--user", "looker", "--json").json
    half = len(first["items"]) // 2  # in the second half chance has a place now and then
    assert half
    assert [line["item_id"] for line in first["items"][:half]] == [line["item_id"] for line in again["items"][:half]]


def test_a_page_is_a_table_with_its_funnel_and_what_was_left_out(market: Shell) -> None:
    printed = market.run("recall", "p", "--device", "d1", "--size", "2", "--explain").out
    assert printed.count("苹果手机") == 2
    assert "¥999" in printed
    assert all(stage in printed for stage in ("recall", "spread", "filter", "claim"))
    assert all(source in printed for source in ("terms", "popular", "newest"))


def test_a_page_that_falls_short_says_why(shell: Shell) -> None:
    shell.publish([listing("i1"), listing("i2")])
    shell.make_pool()
    assert "short: exhausted" in shell.run("recall", "p", "--user", "u").out


def test_why_names_the_stage_that_left_an_item_out(market: Shell) -> None:
    served = market.run("recall", "p", "--user", "asker", "--size", "1", "--json").json["items"][0]["item_id"]
    answer = market.run("why", served, "--pool", "p", "--user", "asker", "--json").json
    assert (answer["served"], answer["stage"], answer["reason"]) == (False, "filter", "seen")
    assert "would be served" in market.run("why", served, "--pool", "p", "--user", "somebody else").out
    assert "unknown_item" in market.run("why", "nothing", "--pool", "p", "--user", "asker").out


def test_why_names_each_condition_that_fails_on_a_line_of_its_own(shell: Shell) -> None:
    shell.publish([listing("i1", price_cents=500_000)])
    shell.make_pool(rule="{all: [{field: price_cents, op: lt, value: 100}, {field: city, op: eq, value: 杭州}]}")
    printed = shell.run("why", "i1", "--pool", "p", "--user", "asker").out
    assert "  · $.all[0]: wants price_cents lt 100, the item has 500000\n" in printed
    assert "  · $.all[1]: wants city eq 杭州, the item has None\n" in printed


def test_triggers_add_up_what_a_person_did(shell: Shell) -> None:
    shell.publish([listing("i1")])
    system = system_of(shell)
    now = system.clock.now_ms()
    system.log.append_now("user-events", [("u:u1", encode_user_event(user_event("click", "i1", user_id="u1", at=now)))], now)
    system.close()
    triggers = shell.run("triggers", "show", "u1", "--json").json["triggers"]
    assert triggers[0]["term"] == "category:数码›手机"
    assert "数码›手机" in shell.run("triggers", "show", "u1").out
    assert "nothing is known" in shell.run("triggers", "show", "u2").out


def test_a_pool_that_is_not_there_and_a_person_without_a_name_are_told(market: Shell) -> None:
    assert market.run("recall", "nope", "--user", "u", code=1).err == "error: no pool is named 'nope'\n"
    assert "--user" in market.run("why", "i1", "--pool", "p", code=2).err


def test_a_directory_without_data_is_told_and_not_made(shell: Shell) -> None:
    assert "smallpool publish" in shell.run("recall", "p", "--user", "u", code=1).err
    assert not shell.data.exists()


def test_a_title_is_understood_word_by_word(shell: Shell) -> None:
    title = "95新 苹果iPhone 13 128g 国行 电池健康87%"
    understood = shell.run("understand", title, "--json").json["understood"]
    assert (understood["brand"], understood["category"], understood["condition"]) == ("apple", ["数码", "手机"], "good")
    printed = shell.run("understand", title).out
    assert printed.startswith(title)
    assert "iphone 13 (model)" in printed


def test_titles_of_a_file_are_one_object_a_line(shell: Shell) -> None:
    printed = shell.run("understand", "--file", "-", "--json", stdin="和田玉手镯\n\n银元 袁大头\n").out
    assert [json.loads(line)["title"] for line in printed.splitlines()] == ["和田玉手镯", "银元 袁大头"]


def test_nothing_that_a_seller_wrote_is_obeyed_by_a_terminal(shell: Shell) -> None:
    shell.publish([listing("i1", title="手机\x1b[31m\x1b]0;owned\x07\u202e红")])
    shell.make_pool()
    outputs = [
        shell.run("recall", "p", "--user", "u").out,
        shell.run("why", "i1", "--pool", "p", "--user", "u").out,
        shell.run("understand", "手机\x1b[31m").out,
        shell.run("pools", "preview", "p").out,
    ]
    assert all("手机" in printed for printed in outputs)
    assert not any(character in printed for printed in outputs for character in "\x1b\x07\u202e")


def test_a_settings_file_is_refused_with_every_mistake_on_a_line_of_its_own(shell: Shell) -> None:
    path = shell.write("bad.toml", "[http]\nport = 'x'\nhots = 'y'\n")
    lines = shell.run("--config", path, "recall", "p", "--user", "u", code=1).err.splitlines()
    assert [line.split(":")[1].strip() for line in lines] == ["http.port", "http.hots"]


def test_a_command_takes_in_what_a_dead_process_left_on_the_log(shell: Shell) -> None:
    shell.publish([listing("i1")])
    shell.make_pool()
    system = system_of(shell)
    asyncio.run(
        system.log.append("item-events", [("i1", json.dumps({"type": "sold", "item_id": "i1", "version": 2, "at": NOW}).encode())], NOW)
    )
    system.close()
    assert shell.run("recall", "p", "--user", "u", "--json").json["items"] == []
