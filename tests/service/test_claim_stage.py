import msgspec

from builders import NOW
from read_rig import hit
from smallpool_core.pages import Claimed, ClaimRequest, Entry, Short
from smallpool_service.candidates import Candidate, Scored
from smallpool_service.claim import entry_of, unclaimed


def scored(item_id: str, category: str = "书", score: float = 0.5, **changes: object) -> Scored:
    return Scored(Candidate(hit(item_id, category=category, **changes), {"terms": 1, "newest": 4}), (), score)


def entry(item_id: str, key: str = "书", expires_at: int | None = None) -> Entry:
    return Entry(item_id, key, expires_at, b"{}")


def asked(*ordered: Entry, n: int = 3, final: bool = False, short: Short | None = None) -> ClaimRequest:
    return ClaimRequest("u:u1", "p", "r1", 0, ordered, n, 2, 200, False, NOW, NOW + 200, final, "f", short)  # noqa: FBT003


def test_an_entry_carries_the_item_as_the_page_shows_it() -> None:
    made = entry_of(scored("a", "数码›手机", score=0.123456789, expires_at=NOW + 5), level=1)
    assert (made.item_id, made.spread_key, made.expires_at) == ("a", "数码", NOW + 5)
    assert msgspec.json.decode(made.payload) == {
        "item_id": "a",
        "category": ["数码", "手机"],
        "score": 0.123457,
        "sources": ["terms", "newest"],
    }


def test_a_score_that_is_no_number_shows_as_zero() -> None:
    assert msgspec.json.decode(entry_of(scored("a", score=float("nan")), None).payload)["score"] == 0.0


def test_a_page_that_nobody_claims_obeys_the_same_rules() -> None:
    begun = Claimed((entry("a"),), 1, closed=False, closed_now=False)
    offered = [entry("a", "表"), entry("b"), entry("c"), entry("late", "表", NOW), entry("d", "表"), entry("e", "表")]
    page = unclaimed(asked(*offered), begun)
    assert [one.item_id for one in page.entries] == ["a", "b", "d"]
    assert (page.rounds, page.closed, page.closed_now, page.short) == (2, True, False, None)


def test_a_page_that_nobody_claims_stays_open_until_it_is_full_or_final() -> None:
    begun = Claimed((), 0, closed=False, closed_now=False)
    assert not unclaimed(asked(entry("a"), short="exhausted"), begun).closed
    closed = unclaimed(asked(entry("a"), final=True, short="exhausted"), begun)
    assert (closed.closed, closed.short) == (True, "exhausted")
