"""Whatever is born, changed and buried, and whatever model it is embedded by: what an index finds is what reading everything finds."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from builders import NOW, wide_item
from market import RULES
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.faiss.vector_index import FaissVectorIndex
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vectors import VectorColumns
from vector_rig import asking, of_model, product, rows_of

PATHS = ("a", "a›b", "a›b›c", "ab", "d›b")
AXES = ((127, 0, 0), (0, 127, 0), (90, 90, 0), (0, -90, 90), (73, 73, 73), (0, 0, 0))
MODELS = ("old", "new")


class Change(Struct, frozen=True):
    """The next record of an item; none of the axes stands for its sale."""

    item: int
    axis: int | None
    model: int
    path: int
    pools: tuple[str, ...]
    terms: int


changes = st.lists(
    st.builds(
        Change,
        item=st.integers(0, 9),
        axis=st.none() | st.integers(0, len(AXES) - 1),
        model=st.integers(0, 1),
        path=st.integers(0, len(PATHS) - 1),
        pools=st.sampled_from([("p",), ("q",), ("p", "q"), ()]),
        terms=st.integers(0, 1),
    ),
    max_size=60,
)


def record(change: Change, version: int) -> WideItem:
    item_id = f"i{change.item}"
    if change.axis is None:
        return wide_item(item_id, version=version, enrich=ENRICH_SOLD, state="sold")
    fields = {"category": PATHS[change.path], "pools": change.pools, "terms": (f"point:{change.terms}",)}
    return of_model(wide_item(item_id, version=version, **fields), AXES[change.axis], MODELS[change.model])


class Known:
    """Every item's newest record, and its vectors by model, also of those that left."""

    def __init__(self) -> None:
        self.items: dict[str, WideItem] = {}
        self.vectors: dict[str, dict[str, Sequence[int]]] = {}

    def take(self, item: WideItem, axis: Sequence[int]) -> None:
        self.items[item.item_id] = item
        if item.state == "on_sale":
            # Without a vector it has none of any model; with one it keeps that of the other.
            had = self.vectors.get(item.item_id, {})
            self.vectors[item.item_id] = {**had, item.vector_model: axis} if item.vector else {}

    def let_go(self, model: str) -> None:
        for vectors in self.vectors.values():
            vectors.pop(model, None)

    def is_complete(self, other: str, in_force: str) -> bool:
        have = {item_id: self.vectors[item_id].keys() for item_id, item in self.items.items() if item.state == "on_sale"}
        newest = [self.items[item_id].vector_model for item_id, models in have.items() if self.items[item_id].vector_model in models]
        is_held_up = any(in_force in models and other not in models for models in have.values())
        return newest.count(other) > newest.count(in_force) and not is_held_up

    def read(self, model: str, query: Query, below: Sequence[str]) -> list[str]:
        """Every item, one after another."""
        [asked] = rows_of(asking(AXES[4], model=model))
        found = []
        for item_id, item in self.items.items():
            is_below = not below or any(f"{item.category}›".startswith(f"{path}›") for path in below)
            is_inside = item.state == "on_sale" and (query.scope.everything or query.scope.pool_id in item.pools)
            if is_inside and is_below and model in self.vectors[item_id]:
                found.append((-product(self.vectors[item_id][model], asked), item_id))
        return [item_id for _, item_id in sorted(found)]


@given(changes=changes, below=st.lists(st.sampled_from([*PATHS, "none"]), max_size=3), everything=st.booleans(), early=st.booleans())
def test_what_is_found_is_what_reading_every_item_finds_of_the_model_in_force(
    changes: list[Change], below: list[str], everything: bool, early: bool
) -> None:
    vectors, changed = VectorColumns(remembered=len(AXES) * 2), ChangedRows()
    rows = ItemRows(vectors, changed, sweep_floor=3, settle_floor=2)
    index, known, in_force = FaissVectorIndex(rows, vectors, changed), Known(), ""
    for version, change in enumerate(changes, start=1):
        item = record(change, version)
        rows.take([item])
        known.take(item, AXES[change.axis or 0])
        if early and index.model != in_force:
            known.let_go(in_force)
            in_force = index.model
        if early and in_force:
            [other] = [model for model in MODELS if model != in_force]
            assert not known.is_complete(other, in_force)
    query = Query(Scope("p", RULES["all"], trusted=True, everything=everything), frozenset(), cap=99, limit=99, now=NOW)
    if model := index.model:
        [answer] = asyncio.run(index.nearest(query, asking(AXES[4], model=model), below))
        assert ([hit.item_id for hit in answer.hits], answer.exhausted) == (known.read(model, query, below), True)
