"""`smallpool bench stack` on the real servers, at a size at which only its form can be told."""

from threading import Thread
from time import perf_counter, sleep

import pytest

from cli_rig import Shell
from servers import address
from smallpool_config.bench.inside import Inside
from smallpool_config.bench.recorded import Search, under_way_s, waves_of
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings

SIZES = ("--items", "2000", "--pools", "20", "--requests", "4", "--listings", "100", "--per-second", "50", "--seconds", "1", "--seed", "2")
PEERS = {"bare_searches", "bare_term_search", "naive", "naive_candidates", "handwritten"}


def test_bench_stack_measures_pages_and_the_write_path_beside_peers_and_leaves_nothing_behind(shell: Shell) -> None:
    shell.environment |= {
        "SMALLPOOL_ELASTICSEARCH_URL": address("elasticsearch"),
        "SMALLPOOL_KAFKA_BOOTSTRAP": address("kafka"),
        "SMALLPOOL_REDIS_URL": address("redis"),
    }
    before = bench_indices()
    figures = shell.run("bench", "stack", *SIZES, "--json").json
    for name in ("over_bare_search", "naive_over_ours", "best_handwritten_over_ours", "freshness_p99_ms", "items_per_s"):
        assert figures[name] > 0, name
    recall = figures["recall"]
    assert all(0 < recall[name]["p50_ms"] <= recall[name]["p99_ms"] for name in {"ours", *PEERS})
    assert set(recall["page_fill"].values()) == {1.0}
    assert recall["degraded_pages"] == {}
    assert 1 <= recall["searches_a_page"] < 3, "what was published last, and what is popular, the live view knows"
    assert figures["sizes"]["index"]["documents"] == 2000
    assert (figures["intake"]["listings"], figures["freshness"]["listings"]) == (100, 50)
    assert figures["intake"]["batch_size"] == 256, "a batch is a transaction of Kafka"
    assert {"kafka_transactions", "elasticsearch_requests"} <= set(figures["intake"]["inside_us_per_item"])
    assert figures["shares"].keys() == figures["intake"]["cpu_s"].keys() >= {"smallpool"}
    assert sum(figures["shares"].values()) == pytest.approx(1, abs=0.01)
    assert figures["kept_as"] is None
    assert bench_indices() <= before


def test_bench_stack_says_so_where_the_marketplace_to_reuse_is_not_there(shell: Shell) -> None:
    shell.environment |= {"SMALLPOOL_ELASTICSEARCH_URL": address("elasticsearch"), "SMALLPOOL_KAFKA_BOOTSTRAP": address("kafka")}
    printed = shell.run("bench", "stack", "--reuse", "bench-of-nobody", "--json", code=1)
    assert "there is no marketplace 'bench-of-nobody'" in printed.err


def test_searches_that_are_under_way_together_are_sent_together_again() -> None:
    sent = [Search({"n": 1}, 0.0, 2.0), Search({"n": 2}, 0.1, 1.0), Search({"n": 3}, 1.0, 3.0), Search({"n": 4}, 5.0, 6.0)]
    assert waves_of(sent) == [[{"n": 1}, {"n": 2}], [{"n": 3}], [{"n": 4}]]
    assert under_way_s(sent) == 4.0


def test_time_inside_calls_is_counted_once_where_one_calls_another_and_no_longer_than_asked() -> None:
    class Store:
        def outer(self) -> int:
            return self.inner()

        def inner(self) -> int:
            return 7

    inside, started = Inside(), perf_counter()
    with inside.calls("store", Store, "outer", "inner"):
        assert Store().outer() == 7
    assert 0 < inside.seconds["store"] <= perf_counter() - started
    counted = inside.seconds["store"]
    assert Store().outer() == 7
    assert inside.seconds["store"] == counted


def test_time_inside_calls_of_several_threads_is_added_up() -> None:
    class Store:
        def wait(self) -> None:
            sleep(0.05)

    inside = Inside()
    with inside.calls("store", Store, "wait"):
        threads = [Thread(target=Store().wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert inside.seconds["store"] >= 0.1


def bench_indices() -> set[str]:
    """Indices that runs of the benchmark have made."""
    connection = Connection(ElasticsearchSettings(url=address("elasticsearch")))
    try:
        return set(connection.sync.indices.get(index="bench-*", features=["aliases"]).body)
    finally:
        connection.close()
