"""`smallpool keys`, `dead-letters` and `doctor`: secrets shown once, letters sent again once, every trouble with its remedy."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from builders import NOW
from cli_rig import Shell, listing
from smallpool_config.settings import Settings, StoreSettings, shipped
from smallpool_config.wiring import open_system
from write_rig import key_of


def append(shell: Shell, *values: bytes) -> None:
    """Puts messages on the log of item events as they are."""
    shell.data.mkdir(exist_ok=True)
    system = open_system(Settings(store=StoreSettings(directory=str(shell.data))))
    system.log.append_now("item-events", [(key_of(value, NOW), value) for value in values], NOW)
    system.close()


def check(shell: Shell, name: str, code: int = 0) -> tuple[str, str]:
    """What the doctor says of one thing."""
    found = shell.run("doctor", "--json", code=code).json
    assert found["ok"] == (code == 0)
    return next((one["status"], one["found"]) for one in found["checks"] if one["check"] == name)


def test_a_secret_is_shown_once_and_a_key_is_revoked_by_its_id(shell: Shell) -> None:
    made = shell.run("keys", "create", "shop", "--role", "recall", "--role", "ingest", "--pool", "p", "--json").json
    assert made["secret"].startswith("sp_")
    listed = shell.run("keys", "list", "--json")
    assert made["secret"] not in listed.out
    assert [(key["key_id"], key["roles"], key["pools"], key["revoked_at"]) for key in listed.json] == [
        (made["key_id"], ["recall", "ingest"], ["p"], None)
    ]
    shell.run("keys", "revoke", made["key_id"])
    assert shell.run("keys", "list", "--json").json[0]["revoked_at"] is not None
    assert "no key is named" in shell.run("keys", "revoke", "k_nope", code=1).err


def test_a_role_that_is_none_is_a_usage_error(shell: Shell) -> None:
    assert "viewer" in shell.run("keys", "create", "x", "--role", "boss", code=2).err


def test_a_dead_letter_is_listed_with_its_reason_and_sent_again_once(shell: Shell) -> None:
    append(shell, b"nope", json.dumps(listing("i1")).encode())
    shell.run("index", "--once")
    letter = shell.run("dead-letters", "list", "--json").json[0]
    assert (letter["topic"], letter["partition"], letter["from_offset"], letter["attempts"]) == ("item-events", 0, 0, 1)
    assert (letter["value"], letter["sent_again"]) == ("nope", False)
    listed = shell.run("dead-letters", "list").out
    assert "nope" in listed
    assert "item-events 0:0" in listed
    assert shell.run("dead-letters", "replay", "--json").json == {"sent": 1, "cut": 0, "dead_again": 1}
    again = shell.run("dead-letters", "list", "--json").json
    assert [(one["from_offset"], one["sent_again"]) for one in again] == [(0, True), (2, False)]
    shell.run("dead-letters", "replay")
    assert shell.run("dead-letters", "list", "--after", "1", "--json").json[0]["from_offset"] == 3


def test_a_letter_of_which_only_the_beginning_was_kept_is_not_sent(shell: Shell) -> None:
    append(shell, b'{"type": "published", "x": "' + b"x" * 70_000)
    shell.run("index", "--once")
    assert shell.run("dead-letters", "replay", "--json").json == {"sent": 0, "cut": 1, "dead_again": 0}


def test_the_doctor_is_content_with_a_sound_directory_and_creates_nothing(shell: Shell) -> None:
    assert check(shell, "directory")[0] == "warn"
    assert not shell.data.exists()
    shell.publish([listing()])
    shell.run("doctor")
    assert check(shell, "store")[0] == "ok"
    assert check(shell, "item events") == ("ok", "none waits")


def test_the_doctor_warns_of_events_that_wait_and_of_dead_letters(shell: Shell) -> None:
    append(shell, b"nope")
    assert check(shell, "item events")[0] == "warn"
    shell.run("index", "--once")
    assert check(shell, "dead letters") == ("warn", "1 not sent again, of 1")


def test_the_doctor_fails_on_a_file_that_is_not_smallpools(shell: Shell) -> None:
    shell.data.mkdir()
    (shell.data / "smallpool.db").write_text("a diary", encoding="utf-8")
    status, found = check(shell, "store", code=1)
    assert status == "fail"
    assert "not a SQLite file" in found


@pytest.mark.parametrize(
    "setting",
    [
        "http.port = -1",
        "behaviour.short_half_life_s = 0",
        "indexer.batch_size = 0",
        "read.source_share = 1.5",
        "behaviour.behaviour_weights.clik = 2",
    ],
)
def test_the_doctor_fails_on_settings_that_are_refused(shell: Shell, setting: str) -> None:
    named = ".".join(setting.partition(" ")[0].split(".")[:2])
    assert named in shell.run("--config", shell.write("bad.toml", setting), "doctor", code=1).out


def test_the_doctor_fails_on_a_rule_that_cannot_be_read_any_more(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.make_pool("styled", "{field: attributes.style, op: eq, value: x}")
    knowledge = shell.folder / "knowledge"
    copytree(shipped("knowledge"), knowledge)
    declared = (knowledge / "attributes.toml").read_text("utf-8")
    (knowledge / "attributes.toml").write_text(declared.replace("[attributes.style]", "[attributes.manner]"), "utf-8")
    monkeypatch.setenv("SMALLPOOL_KNOWLEDGE_DIRECTORY", str(knowledge))
    status, found = check(shell, "pools", code=1)
    assert status == "fail"
    assert "styled" in found


def test_the_doctor_fails_on_a_knowledge_base_that_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMALLPOOL_KNOWLEDGE_DIRECTORY", str(shell.folder / "nothing"))
    assert check(shell, "knowledge", code=1)[0] == "fail"


@pytest.mark.parametrize(("mode", "status"), [(0o600, "ok"), (0o644, "warn")])
def test_the_doctor_warns_of_an_admin_key_that_others_may_read(shell: Shell, mode: int, status: str) -> None:
    shell.data.mkdir()
    key = Path(shell.data / "admin.key")
    key.write_text("x" * 40, encoding="ascii")
    key.chmod(mode)
    assert check(shell, "admin key")[0] == status
