"""`smallpool relations`: lists made from files and from the log, and looked at."""

import json

from builders import user_event
from cli_rig import Shell, listing
from smallpool_config.clock import SystemClock
from smallpool_config.settings import Settings, StoreSettings
from smallpool_config.wiring import System, open_system
from smallpool_core.events import encode_user_event


def system_of(shell: Shell) -> System:
    return open_system(Settings(store=StoreSettings(directory=str(shell.data))))


def act(shell: Shell, *item_ids: str, ago_ms: int = 60_000) -> None:
    """Somebody looked at these items, one after another, so long ago."""
    system = system_of(shell)
    system.begin()
    at = system.clock.now_ms() - ago_ms
    for place, item_id in enumerate(item_ids):
        event = user_event("click", item_id, user_id=f"u-{'-'.join(item_ids)}", at=at + place)
        system.log.append_now("user-events", [(event.identity.key, encode_user_event(event))], at + place)
    system.close()


def events_file(shell: Shell, *rows: object) -> str:
    return shell.write("acts.jsonl", "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))


def row(item: str, at: int) -> dict[str, object]:
    return {"user": "u1", "item": item, "event": "view", "at": at}


def test_lists_are_made_from_the_log_and_shown_with_titles(shell: Shell) -> None:
    shell.publish([listing("i1"), listing("i2", title="华为手机 i2")])
    act(shell, "i1", "i2")
    made = shell.run("relations", "build", "--json").json
    assert (made["generation"]["events"], made["generation"]["source"], made["skipped"]) == (2, "log", 0)
    [line] = shell.run("relations", "show", "i1", "--json").json["items"]
    assert (line["item_id"], line["title"], line["state"]) == ("i2", "华为手机 i2", "on_sale")
    assert "华为手机 i2" in shell.run("relations", "show", "i1").out


def test_what_is_new_is_added_and_status_says_how_old_the_lists_are(shell: Shell) -> None:
    act(shell, "i1", "i2", ago_ms=120_000)
    shell.run("relations", "build")
    act(shell, "i1", "i3", ago_ms=0)
    system = system_of(shell)
    before = system.relations.current()
    system.close()
    assert before is not None
    assert shell.run("relations", "status", "--json").json["generation"]["merged_upto"] == before.merged_upto
    refreshed = shell.run("relations", "refresh", "--json").json["generation"]
    assert refreshed["merged_upto"] > before.merged_upto
    assert "events of the log" in shell.run("relations", "status").out


def test_files_are_read_and_their_bad_rows_counted(shell: Shell) -> None:
    now = SystemClock().now_ms()
    file = events_file(shell, row("i1", now - 2), "no json", row("i2", now - 1))
    printed = shell.run("relations", "build", "--events", file).out
    assert "from 2 events of files" in printed
    assert "1 rows are no events" in printed
    assert [line["item_id"] for line in shell.run("relations", "show", "i1", "--json").json["items"]] == ["i2"]


def test_lists_of_terms_are_shown(shell: Shell) -> None:
    shell.publish([listing("i1")])
    act(shell, "i1")
    shell.run("relations", "build")
    found = shell.run("relations", "show", "seller:s1", "--by", "term", "--json").json
    assert [line["item_id"] for line in found["items"]] == ["i1"]


def test_before_anything_was_made_the_commands_say_what_to_do(shell: Shell) -> None:
    shell.publish([listing("i1")])
    assert "relations build" in shell.run("relations", "status").out
    assert "views, clicks, purchases" in shell.run("relations", "build", code=1).err
    assert "no list of related items" in shell.run("relations", "show", "i1", code=1).err
    assert "no such file" in shell.run("relations", "build", "--events", "/nowhere.jsonl", code=1).err
