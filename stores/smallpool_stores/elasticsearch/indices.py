"""The indices of items, the port `Generations`: one alias says which of them serves, another which is filled to serve next.

In: settings, the declared attributes. Out: an index made, what a generation holds, the alias moved at once from one to another.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from secrets import token_hex
from typing import Any

from elasticsearch import BadRequestError, NotFoundError

from smallpool_core.errors import StoreError
from smallpool_core.fields import Attributes
from smallpool_core.generations import Generation, digest_of
from smallpool_core.versions import unpacked
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.edge import translated
from smallpool_stores.elasticsearch.lease import Lease
from smallpool_stores.elasticsearch.mapping import differences, index_settings, mapping
from smallpool_stores.elasticsearch.names import items_alias, next_items_alias

_PAGE = 5_000
_KEPT_OPEN = "1m"


class ItemIndices:
    """Makes, lists, compares and drops indices of items. One process at a time rebuilds; `ensure` may be called by many."""

    def __init__(self, connection: Connection, attributes: Attributes) -> None:
        self._client = connection
        self._settings = index_settings(connection.settings)
        self._mapping = mapping(attributes, connection.settings)
        self.alias = items_alias(connection.settings.prefix)
        self._next = next_items_alias(connection.settings.prefix)

    def alone(self) -> AbstractContextManager[None]:
        return Lease(self._client, "rebuild").held()

    def ensure(self) -> str:
        """The index that serves, made if there is none; raises `StoreError` where its mapping is not what this version makes."""
        serving = self.serving()
        if serving is None:
            serving = self._created(self._name(1), {self.alias: {}})
            if self.serving() != serving:
                raise StoreError(
                    f"could not make the index {serving!r} serve: it is there, but {self.alias!r} is no alias of it; point it there"
                )
        self.check(serving)
        return serving

    def create(self) -> str:
        numbers = [int(generation.name.removeprefix(self.alias).split("-")[1]) for generation in self.generations()]
        # No name comes twice, so that a rebuild that was believed dead can only harm an index of its own.
        return self._created(f"{self._name(max(numbers, default=0) + 1)}-{token_hex(4)}", {self._next: {}})

    def resume(self, name: str) -> None:
        self.check(name)
        self._move(f"fill {name!r} again", [{"add": {"index": name, "alias": self._next}}])

    def serving(self) -> str | None:
        """The index that the alias points at."""
        with translated(f"look up the alias {self.alias!r}"):
            try:
                names = list(self._client.sync.indices.get_alias(name=self.alias))
            except NotFoundError:
                return None
        if len(names) > 1:
            raise StoreError(f"the alias {self.alias!r} points at {', '.join(sorted(names))}: take it from all of them but one")
        return names[0]

    def serve(self, name: str) -> None:
        # An alias that must be there keeps a rebuild that was believed dead from undoing the one that took its place.
        actions: list[dict[str, Any]] = [
            {"remove": {"index": name, "alias": self._next, "must_exist": True}},
            {"add": {"index": name, "alias": self.alias}},
        ]
        serving = self.serving()
        if serving is not None:
            actions.append({"remove": {"index": serving, "alias": self.alias, "must_exist": True}})
        self._move(f"make {name!r} serve", actions)

    def leave(self, name: str) -> None:
        self._move(f"leave {name!r} as it is", [{"remove": {"index": name, "alias": self._next, "must_exist": False}}])

    def generations(self) -> list[Generation]:
        with translated("list the indices of items"):
            found = self._client.sync.indices.get(index=f"{self.alias}-*", features=["aliases", "settings"]).body
            # Statistics leave out a shard that is only just coming, where a count would fail.
            stats = self._client.sync.indices.stats(index=f"{self.alias}-*", metric="docs")["indices"]
        made = [
            Generation(
                name,
                stats.get(name, {}).get("primaries", {}).get("docs", {}).get("count", 0),
                serves=self.alias in index["aliases"],
                is_next=self._next in index["aliases"],
                created_at=int(index["settings"]["index"]["creation_date"]),
            )
            for name, index in found.items()
        ]
        return sorted(made, key=lambda generation: generation.name)

    def drop(self, name: str) -> None:
        if name == self.serving():
            raise StoreError(f"could not drop {name!r}: it serves; move the alias to another index first")
        with translated(f"drop the index {name!r}"):
            self._client.sync.indices.delete(index=name, ignore_unavailable=True)

    def check(self, name: str) -> None:
        """Raises `StoreError`, with what differs, where an index's mapping is not what this version makes."""
        with translated(f"read the mapping of {name!r}"):
            stored = self._client.sync.indices.get_mapping(index=name)[name]["mappings"]
        found = differences(stored, self._mapping)
        if found:
            raise StoreError(
                f"the index {name!r} is laid out otherwise than this version does it: {'; '.join(found)}; run `smallpool rebuild`"
            )

    def refresh(self, name: str) -> None:
        with translated(f"refresh {name!r}"):
            self._client.sync.indices.refresh(index=name)

    def digest(self, name: str) -> str:
        """`digest_of` all documents of a generation, as last refreshed."""
        return digest_of(self.orders(name))

    def orders(self, name: str) -> Iterator[tuple[str, int, int]]:
        client, after = self._client.sync, None
        with translated(f"read all of {name!r}"):
            point: str = client.open_point_in_time(index=name, keep_alive=_KEPT_OPEN)["id"]
            try:
                while True:
                    reply = client.search(
                        pit={"id": point, "keep_alive": _KEPT_OPEN},
                        sort=[{"item_id": "asc"}],
                        size=_PAGE,
                        search_after=after,
                        version=True,
                        source=False,
                        stored_fields="_none_",
                        track_total_hits=False,
                        allow_partial_search_results=False,
                    )
                    rows: list[dict[str, Any]] = reply["hits"]["hits"]
                    for row in rows:
                        yield (row["sort"][0], *unpacked(row["_version"]))
                    if len(rows) < _PAGE:
                        return
                    after = rows[-1]["sort"]
            finally:
                client.close_point_in_time(id=point)

    def _move(self, operation: str, actions: list[dict[str, Any]]) -> None:
        with translated(operation):
            self._client.sync.indices.update_aliases(actions=actions)

    def _created(self, name: str, aliases: dict[str, dict[str, str]]) -> str:
        with translated(f"create the index {name!r}"):
            try:
                self._client.sync.indices.create(index=name, settings=self._settings, mappings=self._mapping, aliases=aliases)
            except BadRequestError as exc:
                if exc.message != "resource_already_exists_exception":
                    raise
        return name

    def _name(self, number: int) -> str:
        return f"{self.alias}-{number:06d}"
