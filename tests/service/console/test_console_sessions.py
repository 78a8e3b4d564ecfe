"""Logging in and out: who may, for how long, and with what headers."""

import re
from pathlib import Path

import pytest

from builders import NOW, FakeClock
from console_rig import Desk
from smallpool_core.access import ApiKey
from smallpool_service.console.login import own_address
from smallpool_service.console.sessions import IDLE_MS, LASTS_MS, RENEWED_MS, Sessions

KEY = ApiKey("k_1", "desk", "digest", ("viewer",), (), NOW)
SECRET = "what all replicas were given to share"


def test_whoever_is_not_logged_in_is_asked_to_and_comes_back_to_where_they_went(desk: Desk) -> None:
    reply = desk.get("/console/pools?q=x")
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/login?next=/console/pools%3Fq%3Dx")


@pytest.mark.parametrize(("roles", "status"), [(["viewer"], 303), (["operator"], 303), (["recall"], 403), (["ingest"], 403)])
def test_a_key_logs_in_only_with_a_role_that_may_look_at_pools(desk: Desk, roles: list[str], status: int) -> None:
    assert desk.log_in(desk.api.key(*roles)).status_code == status  # type: ignore[arg-type]  # names of roles


def test_the_session_cookie_is_read_by_no_script_and_sent_by_no_other_site(desk: Desk) -> None:
    set_cookie = next(value for value in desk.log_in().headers.get_list("set-cookie") if value.startswith("smallpool_session"))
    assert "HttpOnly" in set_cookie
    assert "SameSite=strict" in set_cookie
    assert "Path=/console" in set_cookie
    assert desk.api.admin not in set_cookie


@pytest.mark.parametrize("path", ["/console/login", "/console/pools", "/console/nowhere", "/console/static/console.js"])
def test_every_answer_has_a_strict_policy(desk: Desk, path: str) -> None:
    desk.log_in()
    headers = desk.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_page_holds_a_script_or_a_style_of_its_own(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    for path in ("/console/login", "/console/pools", "/console/pools/p", "/console/pools/p/page", "/console/lab?pool=p", "/console/keys"):
        text = desk.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path


def test_whoever_logged_out_has_to_log_in_again(desk: Desk) -> None:
    desk.log_in()
    assert desk.post("/console/logout").status_code == 303
    assert desk.get("/console/pools").status_code == 303


def known(_: str) -> ApiKey:
    return KEY


def test_a_session_ends_after_a_while_without_use_and_after_its_time_in_any_case() -> None:
    clock = FakeClock(NOW)
    sessions = Sessions(clock, SECRET)
    idle = note = sessions.note(sessions.begin(KEY))
    for _ in range(LASTS_MS // IDLE_MS):
        clock.advance(IDLE_MS)
        session = sessions.find(note, known)
        assert session is not None
        note = sessions.note(session)
    assert sessions.find(idle, known) is None
    clock.advance(1)
    assert sessions.find(note, known) is None


@pytest.mark.parametrize("secret", [None, "another secret, which is as long"])
def test_a_note_that_was_signed_with_another_secret_is_none(secret: str | None) -> None:
    sessions = Sessions(FakeClock(NOW), SECRET)
    note = Sessions(FakeClock(NOW), secret).note(sessions.begin(KEY))
    assert sessions.find(note, known) is None
    assert sessions.find(sessions.note(sessions.begin(KEY)), known) is not None


def test_no_letter_of_a_note_can_be_changed() -> None:
    sessions = Sessions(FakeClock(NOW), SECRET)
    note = sessions.note(sessions.begin(KEY))
    for place in range(len(note) - 4):
        other = "A" if note[place] != "A" else "B"
        assert sessions.find(note[:place] + other + note[place + 1 :], known) is None
    for text in ("", "x", "é", note[:-8], note * 100):
        assert sessions.find(text, known) is None


def test_a_session_that_is_used_gets_a_fresh_cookie_now_and_then(desk: Desk) -> None:
    desk.log_in()
    assert "set-cookie" not in desk.get("/console/pools").headers
    desk.api.clock.advance(RENEWED_MS)
    assert "smallpool_session" in desk.get("/console/pools").headers["set-cookie"]
    for _ in range(4):
        desk.api.clock.advance(IDLE_MS - 1)
        assert desk.get("/console/pools").status_code == 200
    desk.api.clock.advance(IDLE_MS + 1)
    assert desk.get("/console/pools").status_code == 303


def test_a_session_begun_at_one_replica_goes_on_at_another_until_its_key_is_revoked(tmp_path: Path) -> None:
    first = Desk(tmp_path, secret=SECRET)
    second = Desk(tmp_path, secret=SECRET)
    other = Desk(tmp_path)
    first.log_in(first.api.key("viewer"))
    second.cookies = other.cookies = first.cookies
    second.token = first.token
    assert second.get("/console/pools").status_code == 200
    assert second.token_of("/console/pools") == first.token
    made = {"do": "", "csrf": first.token}
    assert second.form("/console/rule/preview", made).status_code == 200
    assert second.form("/console/rule/preview", made | {"csrf": "another"}).status_code == 403
    assert other.get("/console/pools").status_code == 303

    key_id = next(key["key_id"] for key in first.api.get("/v1/keys").json()["keys"] if key["roles"] == ["viewer"])
    first.api.delete(f"/v1/keys/{key_id}")
    assert [replica.get("/console/pools").status_code for replica in (first, second)] == [303, 303]


@pytest.mark.parametrize(
    "address", ["https://evil.test", "//evil.test", "/console/../v1", "/console\\evil", "/consoles", "/console/a\nb", "/console/logout"]
)
def test_the_log_in_leads_to_no_page_but_the_consoles_own(address: str) -> None:
    assert own_address(address) == "/console/pools"


def test_a_viewer_sees_a_pool_and_changes_nothing(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in(desk.api.key("viewer"))
    assert desk.get("/console/pools/p").status_code == 200
    assert desk.post("/console/pools/p", name="x", state="live", reason="x", revision="1").status_code == 403
    assert desk.get("/console/keys").status_code == 403


def test_a_key_that_is_limited_to_pools_sees_no_other(desk: Desk) -> None:
    for pool_id in ("p", "q"):
        desk.api.make_pool(pool_id)
    desk.log_in(desk.api.key("operator", pools=("p",)))
    assert "/console/pools/q" not in desk.get("/console/pools").text
    assert "/console/pools/q" not in desk.get("/console/audit").text
    for path in ("/console/pools/q", "/console/pools/q/page", "/console/pools/q/history", "/console/pools/q/figures"):
        assert desk.get(path).status_code == 404
    assert desk.form("/console/rule/preview", {"of": "q"}).status_code == 404
    assert desk.get("/console/lab?pool=q").status_code == 422
