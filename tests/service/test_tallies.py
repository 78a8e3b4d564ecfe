"""What each page adds to is told as the client library's own histograms and counters would."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from smallpool_service.metrics import MAX_LABEL_VALUES, Metrics
from smallpool_service.page import SourceTrace
from smallpool_service.tallies import SourceTallies, StageTallies

BUCKETS = (0.001, 0.01, 1.0)
RUNS = [("recall", 0.001, 3, 5), ("recall", 0.0100001, 1, 0), ("claim", 0.0, 7, 7), ("recall", 2.5, 0, 1)]
TRACED = [SourceTrace("terms", 20, 18, 17, 16, 15, 2), SourceTrace("newest", 5, 5, 5, 5, 4, 1), SourceTrace("terms", 20, 0, 0, 0, 0, 0)]


def told(registry: CollectorRegistry) -> list[str]:
    """The lines of a scrape, without when a series began, which only the library's own have."""
    return sorted(line for line in generate_latest(registry).decode().splitlines() if "_created" not in line)


def test_runs_of_stages_are_told_as_the_library_would() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = StageTallies("t", ("seconds", "in", "out"), BUCKETS)
    ours.register(tallies)
    seconds = Histogram("t_seconds", "seconds", ("stage",), registry=theirs, buckets=BUCKETS)
    came_in, came_out = Counter("t_in", "in", ("stage",), registry=theirs), Counter("t_out", "out", ("stage",), registry=theirs)
    for stage, took, before, after in RUNS:
        tallies.add(stage, took, before, after)
        seconds.labels(stage).observe(took)
        came_in.labels(stage).inc(before)
        came_out.labels(stage).inc(after)
    assert told(ours) == told(theirs)


def test_what_became_of_candidates_is_told_as_the_library_would() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tallies = SourceTallies("c", "candidates")
    ours.register(tallies)
    counter = Counter("c", "candidates", ("source", "step"), registry=theirs)
    for one in TRACED:
        tallies.add(one.source, one)
        for step in SourceTallies.STEPS:
            counter.labels(one.source, step).inc(getattr(one, step))
    assert told(ours) == told(theirs)


def test_no_caller_can_make_stages_or_sources_without_end() -> None:
    metrics = Metrics()
    for number in range(MAX_LABEL_VALUES + 50):
        metrics.observe(f"s{number}", 0.0, 1, 1)
        metrics.sources([SourceTrace(f"s{number}", 1, 1, 1, 1, 1, 1)])
    text = metrics.text().decode()
    assert text.count("smallpool_stage_in_total{") == MAX_LABEL_VALUES + 1
    assert 'smallpool_source_candidates_total{source="other",step="page"} 50.0' in text
