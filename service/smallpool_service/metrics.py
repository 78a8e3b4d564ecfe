"""Figures of one process for Prometheus: the observer of both pipelines, the requests served, and gauges read at each scrape.

In: what stages, consumers and routes report. Out: the text that `/metrics` serves. The number of time series is bounded:
a label that has taken `MAX_LABEL_VALUES` values calls every further one `other`, so no caller can fill the memory.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import nan
from typing import Generic, TypeVar

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.ports import EventLog
from smallpool_service.page import SourceTrace
from smallpool_service.tallies import SourceTallies, StageTallies

T = TypeVar("T")

MAX_LABEL_VALUES = 200
OTHER = "other"
CONTENT_TYPE = CONTENT_TYPE_LATEST
DEGRADED_PREFIX = "degraded."

_STAGE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
_FILL_BUCKETS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


class Described(Struct, frozen=True):
    """One metric as the documentation lists it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


class _Bounded(Generic[T]):
    """What is made of each value of a label, up to a limit; values beyond it share what is made of `other`.

    It is kept, so that counting once more costs no look-up of labels.
    """

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make
        self._made: dict[str, T] = {}

    def __call__(self, value: str) -> T:
        made = self._made.get(value)
        return self._new(value) if made is None else made

    def _new(self, value: str) -> T:
        if len(self._made) >= MAX_LABEL_VALUES and value != OTHER:
            return self(OTHER)
        made = self._made[value] = self._make(value)
        return made


class Metrics:
    """All metrics of one process, in a registry of their own; an observer of the read path and of the write path."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._described: list[Described] = []
        self._gauges: dict[str, Gauge] = {}
        self._labelled: dict[str, Gauge] = {}
        self._requests = self._counter("smallpool_http_requests", ("route", "status"), "HTTP requests by route template and status")
        self._request_s = self._histogram("smallpool_http_request_seconds", ("route",), "seconds to answer a request", _REQUEST_BUCKETS)
        self._stages = self._stage_tallies()
        self._counts = self._counter(
            "smallpool_counts",
            ("name",),
            "what the pipelines count, by name: events by verdict, pages, candidates dropped by reason, dead letters",
        )
        self._degraded = self._counter("smallpool_degraded", ("part",), "answers that went on without a part that failed")
        self._fill = self._histogram("smallpool_page_fill", (), "items on a page as a share of the size asked for", _FILL_BUCKETS)
        self._short = self._counter("smallpool_page_short", ("reason",), "pages with fewer items than asked for, by reason")
        self._candidates = self._source_tallies()
        self._events = self._counter("smallpool_events", ("topic", "outcome"), "rows of event batches over HTTP: accepted or rejected")
        self._stage, self._source = _Bounded(str), _Bounded(str)
        self._by_name, self._by_part = _Bounded(self._counts.labels), _Bounded(self._degraded.labels)
        self._by_short, self._by_route = _Bounded(self._short.labels), _Bounded(self._request_s.labels)
        self._route, self._status = _Bounded(str), _Bounded(str)

    def observe(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """One run of one stage of either pipeline."""
        self._stages.add(self._stage(stage), seconds, in_count, out_count)

    def count(self, name: str, amount: int = 1) -> None:
        """Something happened `amount` times; a name `degraded.PART` counts what an answer had to do without."""
        if name.startswith(DEGRADED_PREFIX):
            self._by_part(name.removeprefix(DEGRADED_PREFIX)).inc(amount)
        else:
            self._by_name(name).inc(amount)

    def request(self, route: str, status: int, seconds: float) -> None:
        """One HTTP request; `route` is the template such as `/v1/pools/{pool_id}`, never a path."""
        self._requests.labels(self._route(route), self._status(str(status))).inc()
        self._by_route(route).observe(seconds)

    def page(self, size: int, filled: int, short: str | None) -> None:
        """One page that was returned, with `filled` of the `size` items asked for."""
        self._fill.observe(filled / size)
        if short is not None:
            self._by_short(short).inc()

    def sources(self, traced: Iterable[SourceTrace]) -> None:
        """What became of the candidates of one page."""
        for one in traced:
            self._candidates.add(self._source(one.source), one)

    def events(self, topic: str, accepted: int, rejected: int) -> None:
        """One batch of events; `topic` is one of the log's."""
        self._events.labels(topic, "accepted").inc(accepted)
        self._events.labels(topic, "rejected").inc(rejected)

    def watch(self, name: str, meaning: str, read: Callable[[], float | None]) -> None:
        """A gauge `smallpool_NAME` that is read at each scrape, from now on by `read`.

        What is not known (None), or fails to be read, shows as NaN, and hides no other figure.
        """
        full = f"smallpool_{name}"
        if full not in self._gauges:
            self._gauges[full] = Gauge(full, meaning, registry=self.registry)
            self._described.append(Described(full, "gauge", (), meaning))
        self._gauges[full].set_function(lambda: _reading(read))

    def watch_each(self, name: str, label: str, meaning: str, reads: Mapping[str, Callable[[], float | None]]) -> None:
        """The same with a label, by whose values `reads` says what reads each; they are few, and all are known here."""
        full = f"smallpool_{name}"
        if full not in self._labelled:
            self._labelled[full] = Gauge(full, meaning, (label,), registry=self.registry)
            self._described.append(Described(full, "gauge", (label,), meaning))
        for value, read in reads.items():
            self._labelled[full].labels(value).set_function(partial(_reading, read))

    def watch_log(self, log: EventLog) -> None:
        """The gauges of what waits on the log."""
        self.watch("item_events_lag", "item events that are not yet taken in", lambda: log.lag("item-events", INDEXER_GROUP))
        self.watch("user_events_lag", "user events that are not yet applied", lambda: log.lag("user-events", BEHAVIOUR_GROUP))

    def text(self) -> bytes:
        """Everything in Prometheus' text format, `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def describe(self) -> list[Described]:
        """Every metric there is, in order of making."""
        return list(self._described)

    def _stage_tallies(self) -> StageTallies:
        meanings = ("seconds one run of a stage takes", "values that came into a stage", "values that a stage gave out")
        kinds = (("seconds", "histogram"), ("in_total", "counter"), ("out_total", "counter"))
        for (suffix, kind), meaning in zip(kinds, meanings, strict=True):
            self._described.append(Described(f"smallpool_stage_{suffix}", kind, ("stage",), meaning))
        tallies = StageTallies("smallpool_stage", meanings, _STAGE_BUCKETS)
        self.registry.register(tallies)
        return tallies

    def _source_tallies(self) -> SourceTallies:
        name = "smallpool_source_candidates"
        meaning = "candidates of each source by how far they came: asked, returned, in_pool, spread, filtered, page"
        self._described.append(Described(f"{name}_total", "counter", ("source", "step"), meaning))
        tallies = SourceTallies(name, meaning)
        self.registry.register(tallies)
        return tallies

    def _counter(self, name: str, labels: tuple[str, ...], meaning: str) -> Counter:
        self._described.append(Described(f"{name}_total", "counter", labels, meaning))
        return Counter(name, meaning, labels, registry=self.registry)

    def _histogram(self, name: str, labels: tuple[str, ...], meaning: str, buckets: tuple[float, ...]) -> Histogram:
        self._described.append(Described(name, "histogram", labels, meaning))
        return Histogram(name, meaning, labels, registry=self.registry, buckets=buckets)


def _reading(read: Callable[[], float | None]) -> float:
    try:
        found = read()
    except Exception:  # noqa: BLE001  one gauge that cannot be read must not hide all the other figures
        return nan
    return nan if found is None else found
