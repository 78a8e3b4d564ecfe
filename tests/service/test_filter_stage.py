import pytest

from builders import NOW, wide_item
from read_rig import FakeLive, hit
from smallpool_core.fields import Attributes
from smallpool_core.items import WideItem
from smallpool_core.pages import Hit, Scope
from smallpool_core.rules import parse_rule
from smallpool_service.candidates import Lists
from smallpool_service.filter import Screen, filter_hits

RULE = parse_rule({"all": []}, Attributes({}))
TRUSTED = Scope("p", RULE, trusted=True)
UNTRUSTED = Scope("p", RULE, trusted=False)
HOME = Scope("home", RULE, trusted=True, everything=True)


def outcome(row: Hit, live: WideItem | None, scope: Scope = TRUSTED, **screen: object) -> str | None:
    """The reason for which one row is dropped, None if it is kept."""
    held = Screen(**({"scope": scope, "seen": frozenset(), "bought": frozenset(), "user_id": "u1", "now": NOW} | screen))  # type: ignore[arg-type]
    result = filter_hits(Lists({"terms": [row]}), held, FakeLive({live.item_id: live} if live is not None else {}))
    assert len(result) + len(result.dropped) == 1
    return result.dropped[0].reason if result.dropped else None


def tagged(**changes: object) -> WideItem:
    return wide_item("i1", **({"pools": ("p",)} | changes))


@pytest.mark.parametrize(
    ("reason", "row", "live", "screen"),
    [
        (None, hit(), tagged(), {}),
        ("seen", hit(), tagged(), {"seen": frozenset({"i1"})}),
        ("bought", hit(), tagged(), {"bought": frozenset({"i1"})}),
        ("over_exposed", hit(), tagged(), {"over_exposed": frozenset({"i1"})}),
        ("own", hit(seller_id="u1"), tagged(), {}),
        ("bought_alike", hit(), tagged(), {"alike": frozenset({"i1"})}),
        ("blocked_seller", hit(seller_id="s9"), tagged(), {"blocked_sellers": frozenset({"s9"})}),
        (None, hit(seller_id=None), tagged(), {"blocked_sellers": frozenset({"s9"})}),
        ("expiring", hit(), tagged(expires_at=NOW + 5000), {"closing": NOW + 5000}),
        (None, hit(), tagged(expires_at=NOW + 5001), {"closing": NOW + 5000}),
        ("expired", hit(expires_at=NOW), tagged(), {}),
        ("expired", hit(), tagged(expires_at=NOW), {}),
        ("gone", hit(), tagged(state="sold"), {}),
        ("gone", hit(), None, {}),
        ("gone", hit(), tagged(published_at=NOW + 1), {}),
        ("not_in_pool", hit(), tagged(pools=("other",)), {}),
    ],
)
def test_each_reason_to_leave_a_candidate_out(reason: str | None, row: Hit, live: WideItem | None, screen: dict[str, object]) -> None:
    assert outcome(row, live, **screen) == reason


def test_nobody_who_is_anonymous_owns_items_without_a_seller() -> None:
    assert outcome(hit(seller_id=None), tagged(), user_id=None) is None


def test_while_a_tag_is_not_trusted_a_row_older_than_the_live_item_is_stale_and_the_tag_says_nothing() -> None:
    untagged = wide_item("i1", pools=())
    assert outcome(hit(), untagged, UNTRUSTED) is None
    assert outcome(hit(), wide_item("i1", version=2), UNTRUSTED) == "stale"
    assert outcome(hit(), wide_item("i1", enrich=1), UNTRUSTED) == "stale"
    assert outcome(hit(enrich=2), wide_item("i1", enrich=1), UNTRUSTED) is None


def test_the_home_pool_has_no_tag_to_be_in() -> None:
    assert outcome(hit(), wide_item("i1", pools=()), HOME) is None


def test_an_item_that_a_source_gives_twice_is_kept_once() -> None:
    held = Screen(TRUSTED, frozenset(), frozenset(), None, NOW)
    result = filter_hits(Lists({"terms": [hit(), hit()], "newest": [hit()]}), held, FakeLive({"i1": tagged()}))
    assert {source: len(hits) for source, hits in result.by_source.items()} == {"terms": 1, "newest": 1}
    assert [(drop.stage, drop.reason) for drop in result.dropped] == [("filter", "duplicate")]
