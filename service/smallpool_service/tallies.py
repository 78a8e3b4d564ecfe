"""Figures that each page adds to dozens of times: plain numbers while pages are made, Prometheus' when it asks.

In: runs of stages, what became of candidates. Out: metric families. The client library's own counters and histograms took 4 % of a
request's computing (`benchmarks/README.md`).
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from threading import Lock

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from smallpool_service.page import SourceTrace


class _Stage:
    """The runs of one stage: how many by bucket of seconds, the seconds, and the values that came in and went out."""

    def __init__(self, buckets: int) -> None:
        self.runs = [0] * buckets
        self.seconds = 0.0
        self.came_in = 0
        self.came_out = 0


class StageTallies(Collector):
    """`PREFIX_seconds`, `PREFIX_in` and `PREFIX_out` by stage. Any thread may add."""

    def __init__(self, prefix: str, meanings: tuple[str, str, str], buckets: Sequence[float]) -> None:
        self._prefix = prefix
        self._meanings = meanings
        self._bounds = list(buckets)
        self._by_stage: dict[str, _Stage] = {}
        self._lock = Lock()

    def add(self, stage: str, seconds: float, in_count: int, out_count: int) -> None:
        """One run; a bucket holds what took as long as its bound or less."""
        place = bisect_left(self._bounds, seconds)
        with self._lock:
            tally = self._by_stage.get(stage)
            if tally is None:
                tally = self._by_stage[stage] = _Stage(len(self._bounds) + 1)
            tally.runs[place] += 1
            tally.seconds += seconds
            tally.came_in += in_count
            tally.came_out += out_count

    def collect(self) -> Iterator[Metric]:
        """All of it, as of now."""
        seconds = HistogramMetricFamily(f"{self._prefix}_seconds", self._meanings[0], labels=["stage"])
        came_in = CounterMetricFamily(f"{self._prefix}_in", self._meanings[1], labels=["stage"])
        came_out = CounterMetricFamily(f"{self._prefix}_out", self._meanings[2], labels=["stage"])
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        with self._lock:
            for stage, tally in self._by_stage.items():
                seconds.add_metric([stage], list(zip(bounds, accumulate(tally.runs), strict=True)), tally.seconds)
                came_in.add_metric([stage], tally.came_in)
                came_out.add_metric([stage], tally.came_out)
        yield from (seconds, came_in, came_out)


class SourceTallies(Collector):
    """`NAME` by source and step. Any thread may add."""

    STEPS = SourceTrace.__struct_fields__[1:]

    def __init__(self, name: str, meaning: str) -> None:
        self._name = name
        self._meaning = meaning
        self._by_source: dict[str, list[int]] = {}
        self._lock = Lock()

    def add(self, source: str, traced: SourceTrace) -> None:
        """What became of the source's candidates of one page."""
        new = (traced.asked, traced.returned, traced.in_pool, traced.spread, traced.filtered, traced.page)
        with self._lock:
            before = self._by_source.get(source)
            self._by_source[source] = list(new) if before is None else [was + more for was, more in zip(before, new, strict=True)]

    def collect(self) -> Iterator[Metric]:
        """All of it, as of now."""
        family = CounterMetricFamily(self._name, self._meaning, labels=["source", "step"])
        with self._lock:
            for source, amounts in self._by_source.items():
                for step, amount in zip(self.STEPS, amounts, strict=True):
                    family.add_metric([source, step], amount)
        yield family
