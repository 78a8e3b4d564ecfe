"""Vectors of one model take the place of another's between two questions; what left is remembered; what is no vector is not kept."""

import asyncio
from array import array
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from builders import NOW, wide_item
from market import RULES
from smallpool_core.errors import VectorRefused
from smallpool_core.items import VECTORS, WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.source_ports import REPLACED_KEPT_S
from smallpool_core.vectors import PARTS_OF_ONE, check_stored, stored_vector, unit_vector
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.memory.listing import ListingRow
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.memory.vectors import MOST_KEPT, Kept, VectorColumns
from vector_rig import asking, nearest, of_model

QUERY = Query(Scope("all", RULES["all"], trusted=True), frozenset(), cap=99, limit=99, now=NOW)
OLD, NEW = "old-1", "new-1"
X = [1.0, 0.0, 0.0, 0.0]
Y = [0.0, 1.0, 0.0, 0.0]


class Fed:
    """An index of live rows, and a watch that a test moves."""

    def __init__(self, remembered: int = 9, *records: WideItem) -> None:
        self.now_s = 0.0
        self.vectors = VectorColumns(remembered, lambda: self.now_s)
        self.rows = ItemRows(self.vectors, sweep_floor=4)
        self.index = NumpyVectorIndex(self.rows, self.vectors)
        self.rows.take(records)

    def found(self, axis: Sequence[float], model: str) -> list[str]:
        return nearest(self.index, QUERY, asking(axis, model=model))[0]

    def known(self, model: str, *item_ids: str) -> list[str]:
        return list(asyncio.run(self.index.vectors_of(item_ids, model)))

    def items(self) -> dict[str, tuple[int, str]]:
        return {kept.model: (kept.items, kept.state) for kept in self.index.kept()}


def row(item_id: str, axis: Sequence[float], model: str = OLD, version: int = 1, **changes: object) -> WideItem:
    item = wide_item(item_id, version=version, pools=("all",), category=item_id, **changes)
    return of_model(item, [round(PARTS_OF_ONE * value) for value in axis], model)


def sold(item_id: str, version: int = 9) -> WideItem:
    return wide_item(item_id, version=version, enrich=ENRICH_SOLD, state="sold")


def test_a_new_model_is_gathered_beside_the_old_and_comes_into_force_when_every_item_has_its_vector() -> None:
    fed = Fed(9, row("a", X), row("b", X), row("c", X))
    assert fed.index.model == OLD
    fed.rows.take([row("a", Y, NEW, 2), row("b", Y, NEW, 2)])
    assert (fed.index.model, fed.found(X, OLD)) == (OLD, ["a", "b", "c"])
    with pytest.raises(VectorRefused, match=OLD):
        fed.found(Y, NEW)
    fed.rows.take([row("c", Y, NEW, 2)])
    assert (fed.index.model, fed.found(Y, NEW)) == (NEW, ["a", "b", "c"])
    assert fed.items() == {NEW: (3, "in force"), OLD: (0, "replaced")}


def test_an_item_that_is_listed_anew_meanwhile_keeps_its_vector_of_the_model_in_force() -> None:
    fed = Fed(9, row("a", X), row("b", X))
    assert fed.index.model == OLD
    fed.rows.take([row("a", Y, NEW, 2, terms=("point:other",), static_score=9)])
    assert fed.found(X, OLD) == ["a", "b"]
    fed.rows.take([row("d", Y, NEW)])
    assert fed.found(X, OLD) == ["a", "b"]


def test_the_sale_of_the_last_item_that_lacks_the_new_vectors_completes_them() -> None:
    fed = Fed(9, row("a", X), row("b", X))
    assert fed.index.model == OLD
    fed.rows.take([row("a", Y, NEW, 2)])
    fed.rows.take([sold("b")])
    assert (fed.index.model, fed.found(Y, NEW)) == (NEW, ["a"])


def test_an_item_of_which_the_new_model_knows_nothing_holds_nobody_up() -> None:
    fed = Fed(9, row("a", X), row("b", X))
    assert fed.index.model == OLD
    fed.rows.take([row("b", [0.0] * 4, NEW, 2), row("a", Y, NEW, 2)])
    assert (fed.index.model, fed.found(Y, NEW), fed.known(NEW, "a", "b")) == (NEW, ["a"], ["a"])


def test_case_29_a_request_that_began_with_the_model_before_is_answered_by_it_to_its_end() -> None:
    fed = Fed(9, row("a", X), row("b", Y), row("c", X))
    began_with = fed.index.model
    fed.rows.take([row(item_id, Y, NEW, 2) for item_id in ("a", "b", "c")])
    fed.rows.take([sold("c"), row("d", Y, NEW)])
    assert fed.index.model == NEW
    fed.now_s += REPLACED_KEPT_S - 1
    fed.rows.take([row("e", Y, NEW)])
    assert (fed.found(X, began_with), fed.found(Y, NEW)) == (["a", "b"], ["a", "b", "d", "e"])
    assert fed.known(began_with, "a", "b", "c", "d") == ["a", "b", "c"]
    fed.now_s += 1
    fed.rows.take([row("f", Y, NEW)])
    with pytest.raises(VectorRefused, match=NEW):
        fed.found(X, began_with)


def test_a_late_record_of_the_model_before_changes_nothing_back() -> None:
    fed = Fed(9, row("a", X), row("b", X))
    assert fed.index.model == OLD
    fed.rows.take([row("a", Y, NEW, 2), row("b", Y, NEW, 2), row("a", X, OLD, 3)])
    assert (fed.index.model, fed.found(Y, NEW)) == (NEW, ["a", "b"])
    fed.rows.take([row("b", X, OLD, 3)])  # now all are of the old one again: it was put back
    assert fed.index.model == OLD


def test_what_a_start_loads_in_any_order_is_of_the_model_that_most_have() -> None:
    fed = Fed(9, row("a", Y, NEW), row("b", X), row("c", X), sold("a"), row("d", Y, NEW))
    assert (fed.index.model, fed.found(X, OLD)) == (OLD, ["b", "c"])


def test_a_start_amid_the_change_of_models_ends_with_the_new_one_and_never_goes_back() -> None:
    fed = Fed(9, row("a", Y, NEW), row("b", Y, NEW), row("c", X))
    assert fed.index.model == NEW
    fed.rows.take([row("c", Y, NEW, 2)])
    fed.rows.take([sold("a"), sold("b")])  # what is left has vectors of both
    assert (fed.index.model, fed.found(Y, NEW)) == (NEW, ["c"])
    fed.rows.take([row("c", X, OLD, 3)])
    assert (fed.index.model, fed.found(X, OLD)) == (OLD, ["c"])


def test_of_too_many_models_the_one_of_the_fewest_items_is_let_go() -> None:
    models = [f"m{number}" for number in range(MOST_KEPT)]
    fed = Fed(9, *(row(model, X, model) for model in models), row("again", X, "m0"))
    assert fed.index.model == "m0"
    fed.rows.take([row("other", X, "m2"), row("newest", X, "m9")])
    assert fed.items() == {"m0": (2, "in force"), "m9": (1, "gathered"), "m2": (2, "gathered")}
    assert fed.found(X, "m0") == ["again", "m0"]


def test_the_vectors_of_what_left_lately_are_known_until_as_many_others_left() -> None:
    fed = Fed(3, *(row(item_id, X) for item_id in "abcde"))
    fed.rows.take([sold("a"), sold("b")])
    fed.rows.take([row("c", Y, OLD, version, terms=(f"point:{version}",)) for version in (2, 3, 4, 5)])  # changes use no room
    assert fed.known(OLD, *"abcde") == ["c", "d", "e", "a", "b"]
    fed.rows.take([sold("c"), sold("d")])
    assert fed.known(OLD, *"abcde") == ["e", "b", "c", "d"]
    fed.rows.take([row("b", Y, OLD, 12)])
    assert (fed.known(OLD, "b"), fed.found(Y, OLD)) == (["b"], ["b", "e"])


def test_what_left_is_known_by_the_model_that_takes_over_as_far_as_it_was_embedded_by_it() -> None:
    fed = Fed(9, row("a", X), row("b", X))
    assert fed.index.model == OLD
    fed.rows.take([row("a", Y, NEW, 2), sold("a"), row("b", Y, NEW, 2)])
    assert (fed.index.model, fed.known(NEW, "a"), fed.known(OLD, "a")) == (NEW, ["a"], ["a"])


@pytest.mark.parametrize(
    ("vector", "reason"), [(b"\x00" * 4, "length 0.000"), (b"\x7f" * 4, "length 2.000"), (b"\x7f\x00\x00", "3 bytes"), (b"\x7f", "1 bytes")]
)
def test_case_27_an_item_whose_vector_is_none_is_listed_without_one(vector: bytes, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed(9, row("a", X))
    bad = replace(row("b", X), vector=vector)
    fed.rows.take([bad, replace(row("a", X, version=2), vector=vector)])
    assert (len(fed.rows), fed.vectors.refused, fed.known(OLD, "a", "b")) == (2, 2, [])
    assert reason in caplog.text
    fed.rows.take([row("b", X, version=2)])
    assert fed.found(X, OLD) == ["b"]


def test_case_27_a_vector_that_is_none_begins_no_model() -> None:
    fed = Fed(9, replace(row("a", X), vector=b"\x00\x00"), replace(row("b", X), vector=b"\x7f"))
    assert (fed.index.model, fed.index.kept(), fed.vectors.refused) == ("", [], 2)
    fed.rows.take([row("c", X)])
    assert fed.index.kept() == [Kept(OLD, 4, 1, "in force")]


def test_models_of_what_is_sold_alone_are_not_in_force_and_make_no_room_at_the_cost_of_others() -> None:
    gone = [replace(row(f"s{number}", X, f"m{number}"), state="sold", enrich=ENRICH_SOLD, pools=()) for number in range(MOST_KEPT + 1)]
    fed = Fed(9, *gone, row("a", X))
    assert fed.items() == {OLD: (1, "in force"), "m1": (0, "gathered"), "m2": (0, "gathered")}
    assert (fed.index.model, fed.items()) == (OLD, {OLD: (1, "in force")})
    fed.rows.take([replace(gone[0], item_id="t", version=2), replace(gone[0], item_id="u", version=2, versions={VECTORS: OLD})])
    assert (fed.items(), fed.known(OLD, "t", "u")) == ({OLD: (1, "in force")}, ["u"])
    assert Fed(9, *gone).index.model == ""


def test_a_row_read_at_a_start_brings_its_vector() -> None:
    item = row("a", X)
    read = [msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=ListingRow) for one in (item, replace(item, versions={}))]
    assert [(one.vector, one.vector_model) for one in read] == [(item.vector, OLD), (item.vector, "")]
    fed = Fed(9)
    fed.rows.take(read[:1])
    assert fed.found(X, OLD) == ["a"]


def test_what_is_stored_is_the_vector_within_a_127th() -> None:
    draw = Random(1)
    for size in (2, 64, 128, 512):
        [vector] = [asking([draw.gauss(0, 1) for _ in range(size)]).values]
        stored = stored_vector(vector, size)
        check_stored(stored, "m", size)
        again, given = (array("f", values) for values in (unit_vector(stored), vector))
        assert sum(one * other for one, other in zip(again, given, strict=True)) > 0.97
