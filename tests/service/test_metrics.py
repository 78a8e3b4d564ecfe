"""Figures stay few and readable whatever is reported."""

from smallpool_service.metrics import MAX_LABEL_VALUES, OTHER, Metrics
from smallpool_service.page import SourceTrace


def test_a_label_never_takes_more_values_than_its_bound() -> None:
    metrics = Metrics()
    for number in range(10 * MAX_LABEL_VALUES):
        metrics.request(f"/{number}", 200, 0.001)
        metrics.count(f"name-{number}")
        metrics.count(f"degraded.part-{number}")
        metrics.observe(f"stage-{number}", 0.001, 1, 1)
    text = metrics.text().decode()
    assert text.count("smallpool_http_requests_total{") == MAX_LABEL_VALUES + 1
    assert text.count("smallpool_counts_total{") == MAX_LABEL_VALUES + 1
    assert f'smallpool_degraded_total{{part="{OTHER}"}} {9 * MAX_LABEL_VALUES}.0' in text
    assert text.count("smallpool_stage_seconds_count{") == MAX_LABEL_VALUES + 1


def test_a_name_with_odd_characters_is_escaped() -> None:
    metrics = Metrics()
    metrics.count('a"b\nc\\d')
    assert r'smallpool_counts_total{name="a\"b\nc\\d"} 1.0' in metrics.text().decode()


def test_what_an_answer_did_without_is_counted_by_part() -> None:
    metrics = Metrics()
    metrics.count("degraded.source:terms")
    metrics.count("page.made", 2)
    text = metrics.text().decode()
    assert 'smallpool_degraded_total{part="source:terms"} 1.0' in text
    assert 'smallpool_counts_total{name="page.made"} 2.0' in text


def test_a_gauge_that_cannot_be_read_hides_no_other_figure() -> None:
    metrics = Metrics()
    metrics.watch("broken", "cannot be read", lambda: 1 / 0)
    metrics.watch("whole", "can be read", lambda: 7)
    text = metrics.text().decode()
    assert "smallpool_broken NaN" in text
    assert "smallpool_whole 7.0" in text


def test_a_gauge_is_read_the_way_that_was_named_last() -> None:
    metrics = Metrics()
    metrics.watch("size", "how many", lambda: 1)
    metrics.watch("size", "how many", lambda: 2)
    assert "smallpool_size 2.0" in metrics.text().decode()
    assert [one.name for one in metrics.describe()].count("smallpool_size") == 1


def test_every_metric_that_is_served_is_described() -> None:
    metrics = Metrics()
    metrics.watch("size", "how many", lambda: 1)
    served = {family.name + ("_total" if family.type == "counter" else "") for family in metrics.registry.collect()}
    assert served == {one.name for one in metrics.describe()}


def test_candidates_are_counted_by_source_and_by_how_far_they_came() -> None:
    metrics = Metrics()
    metrics.sources([SourceTrace("terms", 100, 90, 90, 80, 70, 6)])
    metrics.sources([SourceTrace("terms", 100, 90, 90, 80, 70, 6)])
    text = metrics.text().decode()
    assert 'smallpool_source_candidates_total{source="terms",step="asked"} 200.0' in text
    assert 'smallpool_source_candidates_total{source="terms",step="page"} 12.0' in text
