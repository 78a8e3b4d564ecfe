"""The port `VectorIndex` on Elasticsearch, for vectors that outgrow a machine: beside what a question filters by, in the index of items.

In: queries with vectors. Out: as the port. What differs from the adapters in process:
- a coordinate of a question is a whole number of 1/127 too, so rows whose products differ by less may change places;
- with `vector_search = "graph"` some of the nearest may be missed; `exact` reads every vector inside the constraint;
- of one question no more than 10,000 neighbours are looked through in one trip, and eight trips are made at most; the categories nearest
  to a vector are told by as many;
- an item has the vector of its newest record alone, so while a model takes the place of another items are found by the one or the other;
  that of which most items have a vector is in force.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from smallpool_core.errors import StoreError, VectorRefused
from smallpool_core.items import WideItem
from smallpool_core.pages import Answer, Query
from smallpool_core.source_ports import REPLACED_KEPT_S
from smallpool_core.vectors import PARTS_OF_ONE, Vectors, check_vectors, unit_vector
from smallpool_stores.elasticsearch import question
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.hits import Row, rows_of
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader, Kept, answer_of, rows_of_first_trip, under_cap

MOST_TRIPS: Final = 8
_DEEPER: Final = 4
LOOK_EVERY_S: Final = 1.0

log = logging.getLogger("smallpool.vectors")


class ElasticsearchVectorIndex(ElasticsearchItemReader):
    """Asks the index that serves, as the reader does. `look` finds out which model is in force: for a thread, again and again."""

    def __init__(self, connection: Connection, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__(connection)
        self._dimensions = connection.settings.vector_dimensions
        self._now_s = now_s
        self._looked_at = -LOOK_EVERY_S
        self._is_failing = False
        self._model = ""
        self._replaced, self._replaced_until = "", 0.0

    @property
    def model(self) -> str:
        return self._model

    def look(self) -> bool:
        """Takes the model of which most listed items have a vector for the one in force, once a second at most. False, always.

        Where Elasticsearch does not answer, what was known stands and nothing is raised: a process that serves stays ready without it.
        """
        if self._now_s() - self._looked_at < LOOK_EVERY_S:
            return False
        self._looked_at = self._now_s()
        try:
            with translated("count the vectors of each model"):
                reply = self._connection.sync.search(index=self._index, **question.models_of_vectors())
        except StoreError as error:
            if not self._is_failing:
                log.warning("the model of vectors in force stays %r: %s", self._model, error)
            self._is_failing = True
            return False
        self._is_failing = False
        found = [bucket["key"] for bucket in reply["aggregations"]["models"]["buckets"]]
        if found and found[0] != self._model:
            self._replaced, self._replaced_until = self._model, self._now_s() + REPLACED_KEPT_S
            self._model = found[0]
        return False

    async def nearest(self, query: Query, vectors: Vectors, categories: Sequence[str] = ()) -> tuple[Answer, ...]:
        whole = self._whole(vectors)
        if not (query.scope.trusted or query.scope.everything):
            return (Answer((), exhausted=True),) * len(whole)
        return tuple([await self._near(query, vector, vectors.model, categories) for vector in whole])

    async def likeness(self, item_ids: Sequence[str], vectors: Vectors) -> dict[str, float]:
        asked = self._matrix(vectors)
        if not len(asked):
            return {}
        records = await self.get(list(dict.fromkeys(item_ids)))
        listed = {item_id: item for item_id, item in records.items() if item.state == "on_sale"}
        stored = np.stack([self._stored(item, vectors.model) for item in listed.values()] or [np.zeros(self._dimensions, np.int8)])
        best = (stored.astype(np.float64) / PARTS_OF_ONE @ asked.T.astype(np.float64)).max(axis=1).clip(-1.0, 1.0).tolist()
        return dict(zip(listed, best, strict=False))

    async def vectors_of(self, item_ids: Sequence[str], model: str) -> dict[str, bytes]:
        self._check(model)
        records = await self.get(list(dict.fromkeys(item_ids)))
        return {item_id: unit_vector(item.vector) for item_id, item in records.items() if self._stored(item, model).any()}

    async def nearest_categories(self, query: Query, vectors: Vectors, most: int) -> tuple[tuple[tuple[str, float], ...], ...]:
        whole = self._whole(vectors)
        if not (query.scope.trusted or query.scope.everything):
            return ((),) * len(whole)
        everybody = replace(query, excluded=frozenset(), excluded_sellers=frozenset())
        found = []
        async with self._in_time("find the nearest categories"):
            for vector in whole:
                search = question.nearest(everybody, vector, vectors.model, (), ()) | {"docvalue_fields": ["category"]}
                hits = (await self._search(question.so_many(search, question.MOST_NEAR)))["hits"]
                found.append(_by_mean([(hit["fields"]["category"][0], question.product_of(hit["sort"][0])) for hit in hits])[:most])
        return tuple(found)

    async def _near(self, query: Query, vector: Sequence[int], model: str, categories: Sequence[str]) -> Answer:
        """Trip by trip without the rows that were looked at and the spread keys that are full, until there is one row more than wanted."""
        kept, taken, seen, wanted = list[Kept](), dict[str, int](), set[str](), rows_of_first_trip(query)
        async with self._in_time("search vectors"):
            for _ in range(MOST_TRIPS):
                full = [key for key, count in taken.items() if count >= query.cap]
                search = question.so_many(question.nearest(_without(query, seen), vector, model, categories, full), wanted)
                hits = (await self._search(search))["hits"]
                rows = [row._replace(rank_score=question.product_of(hit["sort"][0])) for row, hit in zip(rows_of(hits), hits, strict=True)]
                is_all = len(rows) < search["size"]
                sure = rows if is_all else _above_the_last(rows)
                if not sure:
                    wanted *= _DEEPER
                kept += under_cap(sure, query, taken, len(kept))
                seen |= {row.packed.item_id for row in sure}
                if is_all or len(kept) > query.limit:
                    return answer_of(kept, query, {})
        return Answer(answer_of(kept, query, {}).hits, exhausted=False)

    def _check(self, model: str) -> None:
        if model != self._model and not (model == self._replaced and self._now_s() < self._replaced_until):
            raise VectorRefused(f"the vectors are of model {model!r}, most items have those of {self._model!r}: make them anew")

    def _matrix(self, vectors: Vectors) -> NDArray[np.float32]:
        self._check(vectors.model)
        check_vectors(vectors, vectors.model, self._dimensions)
        return np.frombuffer(vectors.values, "<f4").reshape(-1, self._dimensions)

    def _whole(self, vectors: Vectors) -> list[list[int]]:
        """The vectors in whole parts of 1/127."""
        parts = np.rint(self._matrix(vectors).astype(np.float64) * PARTS_OF_ONE).clip(-PARTS_OF_ONE, PARTS_OF_ONE)
        whole: list[list[int]] = parts.astype(int).tolist()
        return whole

    def _stored(self, item: WideItem, model: str) -> NDArray[np.int8]:
        is_one = item.vector_model == model and len(item.vector) == self._dimensions
        return np.frombuffer(item.vector, np.int8) if is_one else np.zeros(self._dimensions, np.int8)


def _without(query: Query, seen: set[str]) -> Query:
    return replace(query, excluded=query.excluded | seen) if seen else query


def _above_the_last(rows: Sequence[Row]) -> list[Row]:
    """Of as many rows as were asked for those that rank above the last one: others may rank as it does, with smaller ids."""
    return [row for row in rows if row.rank_score > rows[-1].rank_score]


def _by_mean(rows: Sequence[tuple[str, int]]) -> tuple[tuple[str, float], ...]:
    """Categories by the mean product of their rows, then by name."""
    products: dict[str, list[int]] = {}
    for category, product in rows:
        products.setdefault(category, []).append(product)
    means = [(category, sum(some) / len(some) / PARTS_OF_ONE**2) for category, some in products.items()]
    return tuple(sorted(means, key=lambda pair: (-pair[1], pair[0].encode())))
