"""What operators send and are shown of experiments.

In: JSON as pydantic models. Out: an `ExperimentDraft`; views of experiments.
"""

from typing import Annotated, Any, Final

from msgspec import UNSET, Struct
from pydantic import Field

from smallpool_core.experiments import MAX_BUCKETS, Bucket, Experiment, ExperimentDraft, ExperimentState
from smallpool_service.http.bodies import Identifier, Line, Strict
from smallpool_service.http.keys import MAX_POOLS
from smallpool_service.http.pool_bodies import Read

Share = Annotated[float, Field(ge=0, le=1)]
Overrides = Annotated[dict[str, Any], Field(default_factory=dict, max_length=50)]


class BucketBody(Strict):
    """One bucket: its share of the experiment's people, and what is different for them."""

    name: Identifier
    share: Annotated[Share, Field(description="Of the experiment's people, in steps of 0.0001; all shares make 1.")]
    settings: Annotated[Overrides, Field(description="Settings of a pool that differ, such as max_per_category.")]
    ordering: Annotated[Overrides, Field(description="Parts of a pool's ordering that differ; weights one by one.")]
    read: Annotated[Overrides, Field(description="Settings of the read path that differ; see docs/settings.md, [read].")]

    def bucket(self) -> Bucket:
        """As the store keeps it."""
        return Bucket(self.name, self.share, self.settings, self.ordering, self.read)


class ExperimentBody(Strict):
    """What may be said of an experiment."""

    name: Line | None = None
    layer: Annotated[Identifier | None, Field(description="People are split anew in each layer; `main` by default.")] = None
    state: Annotated[ExperimentState | None, Field(description="From draft to running to ended, never back.")] = None
    buckets: Annotated[list[BucketBody] | None, Field(max_length=MAX_BUCKETS, description="The first one is the control.")] = None
    pools: Annotated[list[Identifier] | None, Field(max_length=MAX_POOLS, description="Only in these pools; none named: in all.")] = None
    traffic_from: Annotated[Share | None, Field(description="Where its part of the layer begins.")] = None
    traffic_until: Annotated[Share | None, Field(description="Where its part of the layer ends.")] = None
    reason: Annotated[Line | None, Field(description="Why; it stands in the history.")] = None

    def draft(self) -> ExperimentDraft:
        """The change as the store takes it."""
        return ExperimentDraft(
            name=UNSET if self.name is None else self.name,
            layer=UNSET if self.layer is None else self.layer,
            state=UNSET if self.state is None else self.state,
            buckets=UNSET if self.buckets is None else tuple(one.bucket() for one in self.buckets),
            pools=UNSET if self.pools is None else tuple(self.pools),
            traffic_from=UNSET if self.traffic_from is None else self.traffic_from,
            traffic_until=UNSET if self.traffic_until is None else self.traffic_until,
        )


class ExperimentChange(ExperimentBody):
    """A change of an experiment: what is left out, or null, stays. An experiment may be sent back as it was read."""

    experiment_id: Annotated[Identifier | None, Field(description="The experiment's own id, where it is sent.")] = None
    revision: Read = None
    epoch: Read = None
    started_at: Read = None
    ended_at: Read = None


class NewExperiment(ExperimentBody):
    """An experiment to be made, a draft unless said otherwise."""

    experiment_id: Identifier
    buckets: Annotated[list[BucketBody], Field(max_length=MAX_BUCKETS, description="Two or more; the first one is the control.")]


class EndBody(Strict):
    """Why an experiment is ended."""

    reason: Line | None = None


class ExperimentList(Struct, frozen=True):
    """Experiments by id."""

    experiments: list[Experiment]


class ExperimentRevisionView(Struct, frozen=True):
    """One change with who made it, why, and when (epoch ms)."""

    experiment: Experiment
    author: str
    reason: str
    at: int


class ExperimentHistory(Struct, frozen=True):
    """All changes of an experiment, newest first."""

    revisions: list[ExperimentRevisionView]


BUCKETS: Final = [
    {"name": "control", "share": 0.5},
    {"name": "wide", "share": 0.5, "settings": {"max_per_category": 5}, "ordering": {"weights": {"freshness": 0.6}}},
]
BODY: Final = {"experiment_id": "wider-pages", "name": "五个一类", "layer": "page", "buckets": BUCKETS, "reason": "autumn page"}
EXPERIMENT: Final[dict[str, Any]] = {
    "experiment_id": "wider-pages",
    "name": "五个一类",
    "layer": "page",
    "state": "running",
    "buckets": BUCKETS,
    "pools": ["digital-bargains"],
    "traffic_from": 0.0,
    "traffic_until": 0.2,
    "revision": 2,
    "epoch": 7,
    "started_at": 1750000000000,
    "ended_at": None,
}
LIFT: Final = {"value": 0.06, "low": 0.01, "high": 0.11, "p_value": 0.02}
FIGURE: Final = {
    "figure": "clicks_per_user",
    "source": "",
    "buckets": [
        {
            "bucket": "control",
            "value": 1.62,
            "low": 1.58,
            "high": 1.66,
            "count": 8092.0,
            "lift": {"value": None, "low": None, "high": None, "p_value": None},
        },
        {"bucket": "wide", "value": 1.72, "low": 1.68, "high": 1.76, "count": 8616.0, "lift": LIFT},
    ],
    "needed": 5120,
}
REPORT: Final[dict[str, Any]] = {
    "experiment_id": "wider-pages",
    "state": "running",
    "layer": "page",
    "since": 1750000000000,
    "until": 1750600000000,
    "window_ms": 86400000,
    "level": 0.95,
    "people": {"control": 4995, "wide": 5009},
    "shares": {"control": 0.5, "wide": 0.5},
    "mixed": 0,
    "forced_pages": 3,
    "ratio_p": 0.89,
    "is_whole": True,
    "figures": [FIGURE],
    "by_source": [FIGURE | {"figure": "click_rate", "source": "terms"}],
}
