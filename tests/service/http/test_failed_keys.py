"""Guessing keys is slow, and costs nobody else anything."""

import pytest

from builders import MINUTE, NOW, FakeClock
from http_rig import Api, assert_problem
from smallpool_service.http import failed_keys
from smallpool_service.http.failed_keys import FailedKeys

A, B = "192.0.2.1", "192.0.2.2"


def exhausted(address: str = A, per_minute: int = 60) -> tuple[FailedKeys, FakeClock]:
    clock = FakeClock(NOW)
    failed = FailedKeys(clock, per_minute)
    for _ in range(per_minute):
        assert failed.wait_s(address) == 0
        failed.note(address)
    return failed, clock


def test_an_address_may_fail_so_often_a_minute_and_then_waits_for_its_next_attempt() -> None:
    failed, clock = exhausted()
    assert failed.wait_s(A) == 1
    clock.advance(999)
    assert failed.wait_s(A) == 1
    clock.advance(1)
    assert failed.wait_s(A) == 0
    failed.note(A)
    assert failed.wait_s(A) == 1
    clock.advance(MINUTE)
    for _ in range(60):
        failed.note(A)
    assert failed.wait_s(A) == 1


def test_the_wait_fits_the_rate() -> None:
    failed, _ = exhausted(per_minute=2)
    assert failed.wait_s(A) == 30


def test_other_addresses_do_not_wait() -> None:
    failed, _ = exhausted()
    assert failed.wait_s(B) == 0


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    failed, _ = exhausted("2001:db8::1")
    assert failed.wait_s("2001:db8::ffff:1") == 1
    assert failed.wait_s("2001:db8:0:1::1") == 0


def test_a_clock_that_jumps_back_lets_nobody_wait_longer() -> None:
    failed, clock = exhausted()
    clock.advance(-10 * MINUTE)
    assert failed.wait_s(A) == 1


def test_of_very_many_addresses_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failed_keys, "MAX_ADDRESSES", 3)
    failed = FailedKeys(FakeClock(NOW), 1)
    for last in range(5):
        failed.note(f"192.0.2.{last}")
    assert [failed.wait_s(f"192.0.2.{last}") for last in range(5)] == [0, 0, 60, 60, 60]


def test_guesses_are_answered_with_429_while_good_keys_go_on(api: Api) -> None:
    assert api.get("/v1/pools").status_code == 200
    for number in range(100):
        assert_problem(api.get("/v1/pools", key=f"guess-{number}"), 401, "unauthorised")
    refused = api.get("/v1/pools", key="guess-100")
    assert_problem(refused, 429, "too-many-unknown-keys")
    assert refused.headers["retry-after"] == "1"
    assert api.get("/v1/pools").status_code == 200
    assert api.get("/healthz", key=None).status_code == 200
    assert_problem(api.get("/v1/pools", key=None), 401)
    api.clock.advance(1_000)
    assert_problem(api.get("/v1/pools", key="guess-101"), 401)


def test_beyond_the_limit_no_store_is_asked_and_a_right_guess_is_not_told_from_a_wrong_one(api: Api) -> None:
    unseen = api.key("admin")
    for number in range(100):
        api.get("/v1/pools", key=f"guess-{number}")
    assert_problem(api.get("/v1/pools", key=unseen), 429)
    api.rig.database.close()
    assert_problem(api.get("/v1/pools", key="guess"), 429)


def test_a_revoked_key_that_goes_on_asking_is_a_guess(api: Api) -> None:
    key = api.post("/v1/keys", {"name": "app", "roles": ["viewer"]}).json()
    assert api.get("/v1/pools", key=key["secret"]).status_code == 200
    api.delete(f"/v1/keys/{key['key_id']}")
    for _ in range(100):
        assert_problem(api.get("/v1/pools", key=key["secret"]), 401)
    assert_problem(api.get("/v1/pools", key=key["secret"]), 429)
