from read_rig import hit
from smallpool_service.candidates import Lists
from smallpool_service.merge import merge


def test_the_union_keeps_every_source_and_the_rank_there() -> None:
    merged = merge(Lists({"terms": [hit("a"), hit("b")], "newest": [hit("b"), hit("c"), hit("a")]}))
    assert {candidate.hit.item_id: candidate.ranks for candidate in merged} == {
        "a": {"terms": 1, "newest": 3},
        "b": {"terms": 2, "newest": 1},
        "c": {"newest": 2},
    }


def test_the_row_that_knows_its_matched_terms_is_the_one_kept() -> None:
    merged = merge(Lists({"newest": [hit("a")], "terms": [hit("a", ["brand:x"])]}))
    assert merged[0].hit.terms == ("brand:x",)
