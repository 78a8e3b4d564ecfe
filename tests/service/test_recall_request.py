import pytest

from read_rig import U1, request
from smallpool_core.errors import Refused
from smallpool_core.users import Identity
from smallpool_service.context import Context
from smallpool_service.request import check_request


def test_the_fingerprint_is_of_the_body_without_request_id_explain_and_deadline() -> None:
    plain = request(context=Context("杭州", 9))
    same = request(context=Context("杭州", 9), request_id="r1", explain=True, deadline_ms=5)
    assert plain.fingerprint == same.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"pool_id": "q"},
        {"size": 9},
        {"dry_run": True},
        {"context": Context(hour=1)},
        {"context": Context(city="1")},
        {"context": Context(query="1")},
        {"identity": Identity(None, "u1")},
        {"identity": Identity("u1", "d")},
    ],
)
def test_anything_else_changes_the_fingerprint(change: dict[str, object]) -> None:
    assert request(**change).fingerprint != request().fingerprint


@pytest.mark.parametrize("size", [0, -1, 101, 10**9])
def test_a_size_out_of_range_is_refused_with_what_is_allowed(size: int) -> None:
    with pytest.raises(Refused, match=f"size: found {size}; allowed is a whole number from 1 to 100"):
        check_request(request(size=size))


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(Refused) as caught:
        check_request(request(identity=Identity("", "d\x00"), request_id="\ud800", size=0))
    assert [problem.path for problem in caught.value.problems] == ["user_id", "device_id", "request_id", "size"]


def test_a_sound_request_passes() -> None:
    check_request(request(identity=U1, request_id="r" * 128, size=100))
