"""The promises of the port `VectorIndex`, on every adapter."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from math import nan
from struct import pack, unpack
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from builders import HOUR, NOW, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices
from encoder_rig import DIMENSIONS, MODEL
from market import RULES, Market
from read_rig import FakeVectorIndex
from smallpool_core.errors import VectorRefused
from smallpool_core.items import WideItem
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import BANNED
from smallpool_core.source_ports import VectorIndex
from smallpool_core.vectors import PARTS_OF_ONE, Vectors
from smallpool_core.versions import ENRICH_SOLD
from smallpool_stores.elasticsearch.vector_index import ElasticsearchVectorIndex
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter
from smallpool_stores.faiss.vector_index import FaissVectorIndex
from smallpool_stores.memory.changed_rows import ChangedRows
from smallpool_stores.memory.columns import ColumnIndex
from smallpool_stores.memory.rows import ItemRows
from smallpool_stores.memory.vector_generation import ASKED_PARTS_OF_ONE
from smallpool_stores.memory.vector_index import NumpyVectorIndex
from smallpool_stores.memory.vectors import VectorColumns
from vector_rig import asking, embedded, item_vector, nearest


class Fed(NamedTuple):
    """An index, and what the tail does to it."""

    index: VectorIndex
    take: Callable[[Sequence[WideItem]], object]


def of_live_rows() -> Fed:
    vectors = VectorColumns()
    rows = ItemRows(vectors, sweep_floor=4)
    return Fed(NumpyVectorIndex(rows, vectors), rows.take)


def of_a_column_index() -> Fed:
    vectors = VectorColumns()
    columns = ColumnIndex(vectors, sweep_floor=4, settle_floor=2)
    return Fed(NumpyVectorIndex(columns.rows, vectors), columns.index)


def of_faiss() -> Fed:
    vectors, changed = VectorColumns(), ChangedRows()
    rows = ItemRows(vectors, changed, sweep_floor=4)
    return Fed(FaissVectorIndex(rows, vectors, changed), rows.take)


def written_for_reading() -> Fed:
    index = FakeVectorIndex(items := {}, MODEL)
    return Fed(index, lambda records: items.update({record.item_id: record for record in records}))


ADAPTERS = {
    "numpy, of live rows": of_live_rows,
    "numpy, of a column index": of_a_column_index,
    "faiss": of_faiss,
    "for reading": written_for_reading,
}
QUERY = Query(Scope("all", RULES["all"], trusted=True), frozenset(), cap=9, limit=9, now=NOW)
HOME = replace(QUERY, scope=Scope("home", RULES["all"], trusted=False, everything=True))
SAID = ("category:数码›手机", "point:p1", "point:p2", "point:p7", "brand:none", "tag:none")
BELOW: tuple[tuple[str, ...], ...] = ((), (), ("数码",), ("数码›手机›苹果", "文玩"), ("nowhere",))
PHONES = asking(item_vector(("category:数码›手机",)))
BOTH = asking(item_vector(("category:数码›手机",)), item_vector(("category:文玩",)))
NONE = Vectors(MODEL, DIMENSIONS, b"")


@contextmanager
def on_elasticsearch() -> Iterator[Fed]:
    with item_indices(vector_dimensions=DIMENSIONS) as (connection, indices):
        indices.ensure()
        writer, index = ElasticsearchItemWriter(connection, NO_ATTRIBUTES), ElasticsearchVectorIndex(connection, count(0, 2).__next__)

        def take(records: Sequence[WideItem]) -> None:
            writer.index(records)
            writer.refresh()
            index.look()

        yield Fed(index, take)


@pytest.fixture(params=[*ADAPTERS, "elasticsearch"])
def fed(request: pytest.FixtureRequest) -> Iterator[Fed]:
    if request.param == "elasticsearch":
        with on_elasticsearch() as fed:
            yield fed
    else:
        yield ADAPTERS[request.param]()


def item(item_id: str, *terms: str, **changes: object) -> WideItem:
    return embedded(wide_item(item_id, terms=terms, **({"pools": ("all",), "category": item_id} | changes)))


def phone(item_id: str, *terms: str, **changes: object) -> WideItem:
    return item(item_id, "category:数码›手机", "category:数码", *terms, **changes)


def sold(item_id: str) -> WideItem:
    return phone(item_id, enrich=ENRICH_SOLD, state="sold", pools=())


def test_the_rows_nearest_to_each_vector_come_nearest_first(fed: Fed) -> None:
    fed.take([phone("b", "brand:apple", "point:a"), phone("a"), item("c", "category:文玩"), item("d", "category:数码›手机")])
    phones, jade = nearest(fed.index, QUERY, BOTH)
    assert [found for found in phones if found != "c"] == ["d", "a", "b"]
    assert jade[0] == "c"


def test_equal_rows_come_by_id(fed: Fed) -> None:
    fed.take([phone(item_id) for item_id in ("é", "b", "件", "a", "👍")])
    assert nearest(fed.index, QUERY, PHONES) == [["a", "b", "é", "件", "👍"]]


def test_a_row_that_bears_no_term_that_counts_is_near_to_nothing(fed: Fed) -> None:
    fed.take([item("a"), item("b", "seller:s1", "city:x"), phone("c")])
    assert nearest(fed.index, QUERY, PHONES) == [["c"]]
    assert asyncio.run(fed.index.likeness(["a", "c", "unknown"], PHONES)).keys() == {"a", "c"}
    assert asyncio.run(fed.index.likeness(["a"], PHONES)) == {"a": 0.0}


def test_what_changes_its_terms_moves_and_what_is_sold_leaves_while_others_stay(fed: Fed) -> None:
    fed.take([phone("a"), phone("b"), phone("c")])
    assert nearest(fed.index, QUERY, PHONES) == [["a", "b", "c"]]
    fed.take([item("a", "category:文玩", version=2), sold("b"), phone("d")])
    assert [found for found in nearest(fed.index, QUERY, PHONES)[0] if found != "a"] == ["c", "d"]
    assert nearest(fed.index, QUERY, asking(item_vector(("category:文玩",))))[0][0] == "a"


def test_a_row_that_left_before_anybody_asked_was_never_there(fed: Fed) -> None:
    fed.take([phone("a"), phone("b")])
    fed.take([sold("a")])
    assert nearest(fed.index, QUERY, PHONES) == [["b"]]


def test_inside_categories_come_rows_of_them_and_of_what_is_below_them_alone(fed: Fed) -> None:
    places = {"a": "数码›手机", "b": "数码›手机›苹果", "c": "数码›相机", "d": "数码 周边", "e": "文玩", "f": "数码"}
    fed.take([phone(item_id, category=path) for item_id, path in places.items()])
    for scope in (QUERY, HOME):
        assert nearest(fed.index, scope, PHONES, "数码›手机") == [["a", "b"]]
        assert nearest(fed.index, scope, PHONES, "数码›手机›苹果", "文玩", "数码›手机") == [["a", "b", "e"]]
        assert nearest(fed.index, scope, PHONES, "数码") == [["a", "b", "c", "f"]]
        assert nearest(fed.index, scope, PHONES, "nowhere") == [[]]


def test_inside_a_pool_and_a_category_both_hold_and_a_category_of_everywhere_has_nothing_banned(fed: Fed) -> None:
    fed.take([phone("a", category="数码"), phone("b", category="数码", pools=("cheap",)), phone("c", category="数码", pools=(BANNED,))])
    assert nearest(fed.index, QUERY, PHONES, "数码") == [["a"]]
    assert nearest(fed.index, HOME, PHONES, "数码") == [["a", "b"]]
    assert nearest(fed.index, HOME, PHONES) == [["a", "b"]]


def test_an_item_that_changes_its_category_is_found_in_the_new_one_once(fed: Fed) -> None:
    for version, path in enumerate(("数码›手机", "数码›相机", "数码›手机", "文玩"), start=1):
        fed.take([phone("a", category=path, version=version), phone("b", category="数码›手机", version=version)])
        assert nearest(fed.index, HOME, PHONES, "数码") == [["a", "b"] if version < 4 else ["b"]]
    assert nearest(fed.index, HOME, PHONES, "文玩") == [["a"]]


def test_the_vectors_of_items_are_of_unit_length_also_of_those_that_are_sold(fed: Fed) -> None:
    fed.take([phone("a"), phone("b"), item("c")])
    fed.take([sold("a")])
    found = asyncio.run(fed.index.vectors_of(["a", "b", "c", "unknown"], MODEL))
    assert found.keys() == {"a", "b"}
    assert found["a"] == found["b"]
    assert sum(value * value for value in unpack(f"<{DIMENSIONS}f", found["a"])) == pytest.approx(1)
    with pytest.raises(VectorRefused, match="another"):
        asyncio.run(fed.index.vectors_of(["a"], "another"))


def test_what_was_sold_before_the_process_began_is_known_by_the_record_of_its_sale(fed: Fed) -> None:
    fed.take([sold("a"), phone("b")])
    assert asyncio.run(fed.index.vectors_of(["a", "b", "unknown"], MODEL)).keys() == {"a", "b"}
    fed.take([phone("a", version=2)])
    assert nearest(fed.index, QUERY, PHONES) == [["a", "b"]]


def test_the_limit_and_the_cap_hold_for_each_vector_and_exhausted_tells_of_more(fed: Fed) -> None:
    fed.take([phone(f"i{place}", category=f"c{place % 2}") for place in range(6)])
    [answer] = asyncio.run(fed.index.nearest(replace(QUERY, cap=1, limit=5), PHONES))
    assert ([hit.item_id for hit in answer.hits], answer.exhausted) == (["i0", "i1"], True)
    [answer] = asyncio.run(fed.index.nearest(replace(QUERY, limit=5), PHONES))
    assert (len(answer.hits), answer.exhausted) == (5, False)


def test_what_is_excluded_elsewhere_or_over_does_not_come(fed: Fed) -> None:
    fed.take([phone("a"), phone("b", pools=("cheap",)), phone("c", expires_at=NOW), phone("d", published_at=NOW + HOUR), phone("e")])
    assert nearest(fed.index, replace(QUERY, excluded=frozenset({"a"})), PHONES) == [["e"]]


def test_a_scope_that_only_a_rule_tells_of_is_not_searched(fed: Fed) -> None:
    fed.take([phone("a")])
    assert nearest(fed.index, replace(QUERY, scope=Scope("all", RULES["all"], trusted=False)), PHONES) == [[]]


def test_no_vectors_have_no_answers(fed: Fed) -> None:
    fed.take([phone("a")])
    assert nearest(fed.index, QUERY, NONE) == []
    assert asyncio.run(fed.index.likeness(["a"], NONE)) == {}


@pytest.mark.parametrize("model", ["terms-0", MODEL])
def test_case_27_what_is_no_vector_of_the_model_is_refused_and_harms_nobody(fed: Fed, model: str) -> None:
    fed.take([phone("a")])
    bad = Vectors(model, DIMENSIONS, pack(f"<{DIMENSIONS}f", nan, *[0.0] * (DIMENSIONS - 1)))
    for ask in (fed.index.nearest(QUERY, bad), fed.index.likeness(["a"], bad)):
        with pytest.raises(VectorRefused):
            asyncio.run(ask)
    assert nearest(fed.index, QUERY, PHONES) == [["a"]]


def questions_over_a_life(fed: Fed, seed: int, turns: int, parts_of_one: int) -> None:
    market = Market(seed)
    for _ in range(turns):
        fed.take([embedded(one) for one in market.changes(25)])
        items = {one.item_id: replace(one, spread_key=one.category) for one in market.items.values()}
        reading = FakeVectorIndex(items, MODEL, parts_of_one)
        for _ in range(8):
            query, asked = market.query(), asking(*[item_vector((term,)) for term in market.random.sample(SAID, 3)])
            below = market.random.choice(BELOW)
            found, wanted = (asyncio.run(index.nearest(query, asked, below)) for index in (fed.index, reading))
            assert [[hit.item_id for hit in answer.hits] for answer in found] == [[hit.item_id for hit in answer.hits] for answer in wanted]
            assert [answer.exhausted for answer in found] == [answer.exhausted for answer in wanted]
            listed = [item_id for item_id, one in market.items.items() if one.state == "on_sale"]
            alike, likeness = (asyncio.run(index.likeness(listed, asked)) for index in (fed.index, reading))
            assert alike == pytest.approx(likeness, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("make", [of_live_rows, of_a_column_index, of_faiss])
def test_over_a_life_of_changes_every_question_is_answered_as_the_one_for_reading_answers_it(make: Callable[[], Fed], seed: int) -> None:
    questions_over_a_life(make(), seed, 5, ASKED_PARTS_OF_ONE)


@pytest.mark.parametrize("seed", range(2))
def test_over_a_life_of_changes_elasticsearch_answers_as_the_one_for_reading_does_of_coordinates_in_a_byte(seed: int) -> None:
    with on_elasticsearch() as fed:
        questions_over_a_life(fed, seed, 3, PARTS_OF_ONE)


def test_a_scope_of_too_many_rows_is_not_searched() -> None:
    vectors = VectorColumns()
    rows = ItemRows(vectors)
    rows.take([phone(f"i{place}") for place in range(5)])
    for most, found in ((4, 0), (5, 5)):
        for everything in (False, True):
            query = replace(QUERY, scope=Scope("all", RULES["all"], trusted=True, everything=everything))
            [answer] = asyncio.run(NumpyVectorIndex(rows, vectors, most).nearest(query, PHONES))
            assert len(answer.hits) == found


@pytest.mark.parametrize("everything", [False, True])
def test_inside_categories_what_has_more_rows_than_are_read_is_searched_and_leaks_nothing(everything: bool) -> None:
    vectors = VectorColumns()
    rows = ItemRows(vectors)
    rows.take([phone(f"i{place}", category="文玩" if place % 3 else "数码") for place in range(6)])
    query = replace(QUERY, scope=Scope("all", RULES["all"], trusted=True, everything=everything))
    assert nearest(NumpyVectorIndex(rows, vectors, 4), query, PHONES, "数码") == [["i0", "i3"]]
    assert nearest(NumpyVectorIndex(rows, vectors, 2), query, PHONES, "文玩") == [["i1", "i2", "i4", "i5"]]
    assert nearest(NumpyVectorIndex(rows, vectors, 1), query, PHONES, "文玩") == [[]]


def categories(index: VectorIndex, vectors: Vectors, most: int = 9, query: Query = QUERY) -> list[list[str]]:
    return [[name for name, _ in near] for near in asyncio.run(index.nearest_categories(query, vectors, most))]


def test_the_categories_nearest_to_a_vector_are_those_whose_items_are_most_like_it_on_the_whole(fed: Fed) -> None:
    fed.take([phone("p1", category="数码›手机"), phone("p2", "brand:apple", category="数码›手机")])
    fed.take([item("j1", "category:文玩", category="文玩"), phone("j2", category="文玩"), item("none", category="空")])
    [phones] = asyncio.run(fed.index.nearest_categories(QUERY, PHONES, 9))
    assert [name for name, _ in phones] == ["数码›手机", "文玩"]
    liked = [asyncio.run(fed.index.likeness([item_id], PHONES))[item_id] for item_id in ("p1", "p2", "j1", "j2")]
    within = 0.01 if isinstance(fed.index, ElasticsearchVectorIndex) else 1e-6
    assert [likeness for _, likeness in phones] == pytest.approx([sum(liked[:2]) / 2, sum(liked[2:]) / 2], abs=within)
    assert categories(fed.index, BOTH, most=1) == [["数码›手机"], ["文玩"]]


def test_equally_near_categories_come_by_name_also_where_that_is_where_the_list_ends(fed: Fed) -> None:
    fed.take([phone(name, category=name) for name in ("é", "b", "件", "a", "👍")])
    assert categories(fed.index, PHONES, most=3) == [["a", "b", "é"]]


def test_what_left_or_is_of_another_pool_makes_no_category_near_and_what_is_excluded_does(fed: Fed) -> None:
    fed.take([phone("a", category="甲"), phone("b", category="乙", pools=("other",)), phone("c", category="丙")])
    fed.take([sold("c")])
    assert categories(fed.index, PHONES, query=replace(QUERY, excluded=frozenset(["a"]))) == [["甲"]]
    assert categories(fed.index, NONE) == []


def test_of_nothing_there_are_no_categories(fed: Fed) -> None:
    fed.take([phone("a", pools=())])
    assert categories(fed.index, PHONES) == [[]]
