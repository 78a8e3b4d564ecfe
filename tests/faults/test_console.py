"""Case 33: guessed keys, forged requests, script in titles, formulas in exports."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from console_rig import Desk
from http_rig import with_limits

SCRIPT = '"><script>alert(1)</script>'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, with_limits(failed_keys_per_minute=3))
    yield made
    made.api.rig.database.close()


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_case_33_guessed_keys_are_refused_and_then_have_to_wait_even_with_a_good_one(desk: Desk) -> None:
    assert [desk.log_in(f"sp_guess{place}").status_code for place in range(3)] == [401, 401, 401]
    waiting = desk.log_in("sp_guess3")
    assert waiting.status_code == 429
    assert int(waiting.headers["retry-after"]) > 0
    assert desk.log_in().status_code == 429
    desk.api.clock.advance(60_000)
    assert desk.log_in().status_code == 303


def test_case_33_a_key_that_is_known_here_logs_in_while_its_address_has_to_wait(desk: Desk) -> None:
    assert desk.api.get("/v1/pools").status_code == 200
    assert [desk.log_in(f"sp_guess{place}").status_code for place in range(4)] == [401, 401, 401, 429]
    assert desk.log_in().status_code == 303


@pytest.mark.parametrize("token", [None, "made-up"])
@pytest.mark.parametrize(
    "path", ["/console/pools/p", "/console/pools/p/history", "/console/keys", "/console/keys/revoke", "/console/new-pool"]
)
def test_case_33_a_form_without_the_token_of_its_session_changes_nothing(desk: Desk, path: str, token: str | None) -> None:
    desk.api.make_pool()
    desk.log_in()
    before = desk.api.get("/v1/pools/p/revisions").json(), desk.api.get("/v1/keys").json()
    assert (
        desk.post(path, token=token, name="x", reason="x", revision="1", to="1", state="live", role="admin", pool_id="q").status_code == 403
    )
    assert (desk.api.get("/v1/pools/p/revisions").json(), desk.api.get("/v1/keys").json()) == before


def test_case_33_the_token_of_one_session_is_refused_in_another(desk: Desk) -> None:
    desk.log_in()
    first = desk.token
    desk.log_in()
    assert desk.post("/console/keys", name="x", role="viewer", token=first).status_code == 403


def test_case_33_a_log_in_that_another_site_sends_is_refused(desk: Desk) -> None:
    desk.get("/console/login")
    assert desk.post("/console/login", key=desk.api.admin, token="made-up").status_code == 403
    assert desk.get("/console/pools").status_code == 303


@pytest.mark.parametrize("path", ["/console/pools", "/console/pools/p", "/console/items/i1", "/console/lab?pool=p", "/console/audit"])
def test_case_33_script_in_titles_names_and_reasons_is_escaped(desk: Desk, path: str) -> None:
    desk.api.publish({"item_id": "i1", "title": f"手机 {SCRIPT}"})
    desk.api.make_pool(name=SCRIPT, reason=SCRIPT)
    desk.log_in()
    reply = desk.get(path)
    assert reply.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in reply.text
    assert "<script>alert(1)" not in reply.text


def test_case_33_script_in_an_address_is_escaped(desk: Desk) -> None:
    desk.log_in()
    for path in ("/console/pools", "/console/items", "/console/lab", "/console/<script>alert(1)</script>"):
        reply = desk.get(path, params=dict.fromkeys(("q", "item_id", "pool", "user", "triggers", "weights", "state"), SCRIPT))
        assert "<script>alert(1)" not in reply.text, path


@pytest.mark.parametrize("formula", ["=1+2", "+1", "-cmd", "@SUM(A1)"])
def test_case_33_a_cell_that_a_spreadsheet_would_run_begins_with_an_apostrophe(desk: Desk, formula: str) -> None:
    desk.api.make_pool(name=formula, reason=formula)
    desk.log_in()
    pools, audit = rows(desk.get("/console/pools.csv").text), rows(desk.get("/console/audit.csv").text)
    assert pools[1][1] == f"'{formula}"
    assert audit[1][4] == f"'{formula}"
    assert audit[1][5].startswith("'+")


def test_case_33_a_session_ends_with_its_key(desk: Desk) -> None:
    secret = desk.api.key("viewer")
    desk.log_in(secret)
    assert desk.get("/console/pools").status_code == 200
    key_id = next(key["key_id"] for key in desk.api.get("/v1/keys").json()["keys"] if key["roles"] == ["viewer"])
    desk.api.delete(f"/v1/keys/{key_id}")
    assert desk.get("/console/pools").headers["location"].startswith("/console/login")
