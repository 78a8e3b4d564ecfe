"""The form of an experiment: a row a bucket, and what the bucket overrides as JSON.

In: fields as a browser sends them, or an experiment. Out: a draft, or every mistake of the form; fields.
"""

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from smallpool_core.errors import Problem, Refused
from smallpool_core.experiments import Bucket, Experiment, ExperimentDraft
from smallpool_core.messages import problem
from smallpool_core.row_reader import shown
from smallpool_service.console.forms import Form

MOST_ROWS = 40


class Overrides(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a bucket overrides, as its field of the form has it."""

    settings: dict[str, Any] = {}
    ordering: dict[str, Any] = {}
    read: dict[str, Any] = {}


def draft_of(form: Form) -> ExperimentDraft:
    """What the form says; raises `Refused` with every mistake. A form without buckets, as of one that runs, leaves them as they are."""
    problems: list[Problem] = []
    start, end = (_number(form, name, problems) for name in ("traffic_from", "traffic_until"))
    buckets: tuple[Bucket, ...] | UnsetType = UNSET
    layer: str | UnsetType = UNSET
    pools: tuple[str, ...] | UnsetType = UNSET
    if "layer" in form:
        layer = form("layer")
        pools = tuple(form("pools").replace(",", " ").replace("，", " ").split())
        buckets = tuple(found for row in range(MOST_ROWS) if (found := _bucket(form, row, problems)) is not None)
    if problems:
        raise Refused(problems)
    return ExperimentDraft(name=form("name"), layer=layer, buckets=buckets, pools=pools, traffic_from=start, traffic_until=end)


def typed_of(one: Experiment) -> Form:
    """The fields of an experiment."""
    fields = [
        ("experiment_id", one.experiment_id),
        ("name", one.name),
        ("layer", one.layer),
        ("pools", ", ".join(one.pools)),
        ("traffic_from", f"{one.traffic_from:g}"),
        ("traffic_until", f"{one.traffic_until:g}"),
    ]
    for row, bucket in enumerate(one.buckets):
        said = msgspec.json.encode(Overrides(bucket.settings, bucket.ordering, bucket.read)).decode()
        fields += [
            (f"bucket-{row}-name", bucket.name),
            (f"bucket-{row}-share", f"{bucket.share:g}"),
            (f"bucket-{row}-overrides", "" if said == "{}" else said),
        ]
    return Form(fields)


def _bucket(form: Form, row: int, problems: list[Problem]) -> Bucket | None:
    """The bucket of a row; None for a row that is left empty."""
    name, text = form(f"bucket-{row}-name"), form(f"bucket-{row}-overrides")
    if not (name or text or form(f"bucket-{row}-share")):
        return None
    share = _number(form, f"bucket-{row}-share", problems)
    try:
        said = msgspec.json.decode(text, type=Overrides) if text else Overrides()
    except (msgspec.DecodeError, RecursionError):
        problems.append(problem(f"buckets[{row}]", shown(text), "experiment.json"))
        return None
    return Bucket(name, share, said.settings, said.ordering, said.read)


def _number(form: Form, name: str, problems: list[Problem]) -> float:
    try:
        return float(form(name))
    except ValueError:
        problems.append(problem(name, shown(form(name)), "experiment.share"))
        return 0.0
