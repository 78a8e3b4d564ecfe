"""Trigger states as short as they get: in columns, compressed. A person is read for every page, and there are many persons.

In: a state. Out: bytes, and the same state back, to the last bit. Terms of both horizons stand once; numbers of a kind stand
together, times as distances from the newest, first bytes by first bytes, which are alike; what repeats is left to zlib.
"""

import zlib
from collections.abc import Sequence
from struct import pack, unpack
from typing import Any, Literal

from msgspec import DecodeError, Struct, msgpack

from smallpool_core.users import Exposed, Touched, TriggerState, UserEventType, Weighted

_LEVEL = 1  # a tenth of the time of level 6, and 3 % longer
_NUMBER_BYTES = 8


class _Horizon(Struct, frozen=True, array_like=True):
    """Weights by the place of their term; numbers as `_packed` makes them."""

    places: list[int]
    weights: bytes
    ages: bytes


class _List(Struct, frozen=True, array_like=True):
    """Items with what was done to them and when."""

    item_ids: list[str]
    types: list[UserEventType]
    ages: bytes


class _Shown(Struct, frozen=True, array_like=True):
    """Items with how often they were shown and when last."""

    item_ids: list[str]
    times: list[int]
    ages: bytes


class _Paid(Struct, frozen=True, array_like=True):
    """What the items of a list cost and their top categories."""

    prices: list[int | None]
    categories: list[str]


class _Columns(Struct, frozen=True, array_like=True):
    """A whole state; an age is `newest` less the time."""

    newest: int
    terms: list[str]
    short: _Horizon
    long: _Horizon
    bought: _List
    recent: _List
    pending: _List
    exposed: _Shown | None = None
    paid: _Paid | None = None
    begins: int = 0
    alike: list[tuple[str, ...]] | None = None
    """What each item bought is, where that is kept."""


_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(_Columns).decode


def pack_state(state: TriggerState) -> bytes:
    """The state as bytes."""
    lists = (state.bought, state.recent, state.pending)
    weighted = [*state.short.values(), *state.long.values()]
    ats = [one.at for one in weighted] + [touched.at for entries in lists for touched in entries]
    newest = max(ats + [shown.at for shown in state.exposed], default=0)
    places = {term: place for place, term in enumerate(dict.fromkeys([*state.short, *state.long]))}
    short, long = (_horizon(weights, places, newest) for weights in (state.short, state.long))
    bought, recent, pending = (_list(entries, newest) for entries in lists)
    exposed = _shown(state.exposed, newest) if state.exposed else None
    paid = _Paid([touched.price_cents for touched in state.recent], [touched.category for touched in state.recent])
    alike = [touched.terms for touched in state.bought] if any(touched.terms for touched in state.bought) else None
    columns = _Columns(newest, list(places), short, long, bought, recent, pending, exposed, paid, state.begins, alike)
    return zlib.compress(_encode(columns), _LEVEL)


def unpack_state(packed: bytes) -> TriggerState:
    """The state that was packed; raises `msgspec.DecodeError` for bytes that are none."""
    try:
        columns = _decode(zlib.decompress(packed))
    except zlib.error as exc:
        raise DecodeError(f"a compressed state was expected: {exc}") from exc
    return TriggerState(
        short=_weights(columns.short, columns),
        long=_weights(columns.long, columns),
        bought=_told(_touched(columns.bought, columns.newest), columns.alike),
        recent=_priced(_touched(columns.recent, columns.newest), columns.paid),
        pending=_touched(columns.pending, columns.newest),
        exposed=_exposed(columns.exposed, columns.newest) if columns.exposed is not None else [],
        begins=columns.begins,
    )


def _horizon(weights: dict[str, Weighted], places: dict[str, int], newest: int) -> _Horizon:
    values = weights.values()
    ages = _packed("q", [newest - one.at for one in values])
    return _Horizon([places[term] for term in weights], _packed("d", [one.weight for one in values]), ages)


def _weights(horizon: _Horizon, columns: _Columns) -> dict[str, Weighted]:
    terms, newest = columns.terms, columns.newest
    told = zip(horizon.places, _unpacked("d", horizon.weights), _unpacked("q", horizon.ages), strict=True)
    return {terms[place]: Weighted(weight, newest - age) for place, weight, age in told}


def _list(entries: Sequence[Touched], newest: int) -> _List:
    ages = _packed("q", [newest - touched.at for touched in entries])
    return _List([touched.item_id for touched in entries], [touched.type for touched in entries], ages)


def _touched(entries: _List, newest: int) -> list[Touched]:
    told = zip(entries.item_ids, entries.types, _unpacked("q", entries.ages), strict=True)
    return [Touched(item_id, kind, newest - age) for item_id, kind, age in told]


def _priced(entries: list[Touched], paid: _Paid | None) -> list[Touched]:
    """The entries with what they cost; a state that was packed before prices were kept has none."""
    if paid is None:
        return entries
    told = zip(entries, paid.prices, paid.categories, strict=True)
    return [Touched(one.item_id, one.type, one.at, price, category) for one, price, category in told]


def _told(entries: list[Touched], alike: list[tuple[str, ...]] | None) -> list[Touched]:
    """The entries with what they are; a state in which no setting asked for that has none."""
    if alike is None:
        return entries
    return [Touched(one.item_id, one.type, one.at, terms=terms) for one, terms in zip(entries, alike, strict=True)]


def _shown(entries: Sequence[Exposed], newest: int) -> _Shown:
    ages = _packed("q", [newest - shown.at for shown in entries])
    return _Shown([shown.item_id for shown in entries], [shown.times for shown in entries], ages)


def _exposed(entries: _Shown, newest: int) -> list[Exposed]:
    told = zip(entries.item_ids, entries.times, _unpacked("q", entries.ages), strict=True)
    return [Exposed(item_id, times, newest - age) for item_id, times, age in told]


def _packed(kind: Literal["d", "q"], numbers: Sequence[float]) -> bytes:
    """float64 or int64, big-endian: the first bytes of all, then the second bytes of all, and so on."""
    rows = pack(f">{len(numbers)}{kind}", *numbers)
    return b"".join([rows[place::_NUMBER_BYTES] for place in range(_NUMBER_BYTES)])


def _unpacked(kind: Literal["d", "q"], packed: bytes) -> Sequence[Any]:
    count = len(packed) // _NUMBER_BYTES
    rows = bytearray(len(packed))
    for place in range(_NUMBER_BYTES):
        rows[place::_NUMBER_BYTES] = packed[place * count : (place + 1) * count]
    return unpack(f">{count}{kind}", rows)
