"""Boost and bury in the form of a pool's page: a row each, the condition as JSON, and one empty row of each kind to add by.

In: the fields of a form. Out: adjustments as a pool keeps them; rows for the templates; every mistake.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from smallpool_core.adjustments import KINDS, MAX_ADJUSTMENTS, Adjustment, AdjustmentKind
from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import Problem
from smallpool_core.pools import Ordering, PoolDraft
from smallpool_core.row_reader import shown
from smallpool_service.console.forms import Form

_FIRST = {"boost": "2", "bury": "0.5"}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Row(Struct, frozen=True):
    """One adjustment as it is typed."""

    condition: str
    factor: str


def rows_of(ordering: Ordering) -> dict[str, list[Row]]:
    """The rows of what a pool has, by kind."""
    return {kind: [*(Row(_written(one.condition), f"{one.factor:g}") for one in getattr(ordering, kind)), _empty(kind)] for kind in KINDS}


def typed_rows(form: Form) -> dict[str, list[Row]]:
    """The rows as they were sent, by kind; those without a condition are gone, but for an empty one at the end."""
    return {kind: [*_sent(form, kind), _empty(kind)] for kind in KINDS}


def read_adjustments(form: Form, kind: AdjustmentKind) -> tuple[tuple[Adjustment, ...], list[Problem]]:
    """The adjustments of one kind; what is not JSON or no number is a mistake."""
    found: list[Adjustment] = []
    problems: list[Problem] = []
    for place, row in enumerate(_sent(form, kind)):
        path = f"ordering.{kind}[{place}]"
        try:
            condition = _decode(row.condition)
        except (msgspec.DecodeError, RecursionError):
            problems.append(Problem(f"{path}.condition", shown(row.condition), "a condition in JSON is allowed, as rules have it"))
            condition = {}
        try:
            factor = float(row.factor)
        except ValueError:
            problems.append(Problem(f"{path}.factor", shown(row.factor), "a number is allowed"))
            factor = 0.0
        found.append(Adjustment(condition, factor))
    return tuple(found), problems


def adjustment_problems(catalogue: Catalogue, ordering: Ordering) -> list[Problem]:
    """What the catalogue finds wrong with the conditions and factors."""
    return catalogue.check(PoolDraft(ordering=ordering))


def _sent(form: Form, kind: str) -> Sequence[Row]:
    pairs = zip(form.all(f"{kind}-condition"), form.all(f"{kind}-factor"), strict=False)
    rows = [Row(condition.strip(), factor.strip()) for condition, factor in pairs if condition.strip()]
    return rows[: MAX_ADJUSTMENTS + 1]


def _empty(kind: str) -> Row:
    return Row("", _FIRST[kind])


def _written(condition: dict[str, Any]) -> str:
    return msgspec.json.encode(condition).decode()
