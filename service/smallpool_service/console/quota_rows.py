"""Quotas in the form of a pool's page: a row each, the condition as JSON, and one empty row to add by.

In: the fields of a form. Out: quotas as a pool keeps them; rows for the templates; every mistake.
"""

from typing import Any

import msgspec
from msgspec import Struct

from smallpool_core.errors import Problem
from smallpool_core.quotas import MAX_QUOTAS, Quota
from smallpool_core.row_reader import shown
from smallpool_service.console.forms import Form

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class QuotaRow(Struct, frozen=True):
    """One quota as it is typed; a bound that is left empty is none."""

    condition: str = ""
    at_most: str = ""
    at_least: str = ""


def quota_rows(quotas: tuple[Quota, ...]) -> list[QuotaRow]:
    """The rows of what a pool has."""
    rows = [QuotaRow(msgspec.json.encode(one.condition).decode(), _typed(one.at_most), _typed(one.at_least)) for one in quotas]
    return [*rows, QuotaRow()]


def typed_quotas(form: Form) -> list[QuotaRow]:
    """The rows as they were sent; those without a condition are gone, but for an empty one at the end."""
    return [*_sent(form), QuotaRow()]


def read_quotas(form: Form) -> tuple[tuple[Quota, ...], list[Problem]]:
    """The quotas; what is not JSON or no whole number is a mistake."""
    found: list[Quota] = []
    problems: list[Problem] = []
    for place, row in enumerate(_sent(form)):
        path = f"ordering.quotas[{place}]"
        try:
            condition = _decode(row.condition)
        except (msgspec.DecodeError, RecursionError):
            problems.append(Problem(f"{path}.condition", shown(row.condition), "a condition in JSON is allowed, as rules have it"))
            condition = {}
        for name in ("at_most", "at_least"):
            text = getattr(row, name)
            if text and not (text.isascii() and text.isdigit() and len(text) < 4):
                problems.append(Problem(f"{path}.{name}", shown(text), "a whole number is allowed"))
        found.append(Quota(condition, _read(row.at_most), _read(row.at_least)))
    return tuple(found), problems


def _sent(form: Form) -> list[QuotaRow]:
    parts = (form.all(f"quota-{name}") for name in ("condition", "at_most", "at_least"))
    rows = [QuotaRow(*(text.strip() for text in row)) for row in zip(*parts, strict=False)]
    return [row for row in rows if row.condition][: MAX_QUOTAS + 1]


def _typed(bound: int | None) -> str:
    return "" if bound is None else str(bound)


def _read(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
