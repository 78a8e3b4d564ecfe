"""`smallpool bench`: figures that were measured, as JSON with what they were measured on."""

from cli_rig import Shell


def test_bench_recall_measures_full_pages_of_strangers_with_a_full_seen_list(shell: Shell) -> None:
    figures = shell.run("bench", "recall", "--items", "3000", "--pools", "20", "--requests", "30", "--seed", "2", "--json").json
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert figures["rss_mb"] > 10
    assert (figures["items"], figures["pools"], figures["requests"], figures["seed"]) == (3000, 20, 30, 2)
    assert figures["memberships"] > 20_000
    assert figures["page_fill"] > 0.9
    assert figures["degraded_pages"] == 0
    assert sum(band["requests"] for band in figures["by_pool_size"].values()) == 30
    assert figures["synchronous"] == "off"
    assert {"recall", "claim"} <= set(figures["stages_ms"])


def test_bench_ingest_measures_the_whole_write_path_and_how_soon_a_listing_is_recallable(shell: Shell) -> None:
    figures = shell.run("bench", "ingest", "--items", "300", "--pools", "200", "--seconds", "1", "--seed", "2", "--json").json
    assert figures["items_per_s"] > 0
    assert 0 < figures["freshness_p50_ms"] <= figures["freshness_p99_ms"]
    assert figures["freshness_items"] > 0
    assert {"parse", "understand", "assign", "record", "index"} <= set(figures["stages_us_per_item"])
    assert figures["pools_per_item"] > 0


def test_bench_rules_measures_batches_single_items_and_changes_beside_every_rules_own_matcher(shell: Shell) -> None:
    figures = shell.run("bench", "rules", "--rules", "300", "--items", "700", "--seed", "2", "--json").json
    assert 0 < figures["p50_us"] <= figures["p99_us"]
    assert 0 < figures["single_p50_us"] <= figures["single_p99_us"]
    assert 0 < figures["change_p50_ms"] <= figures["change_p99_ms"]
    assert figures["naive_agrees"] is True
    assert figures["naive_over_ours"] > 0
    assert figures["hits_per_item"] > 0
    assert figures["rss_mb"] > 10
    assert (figures["rules"], figures["items"], figures["batch_size"], figures["seed"]) == (300, 700, 500, 2)
    assert figures["generator"]["leaves"] == [2, 8]
    assert 2 <= figures["generator"]["leaves_mean"] <= 8
    assert (figures["generator"]["no_equality"], figures["generator"]["negative_only"]) == (0.2, 0.05)


def test_bench_pools_measures_a_save_and_the_backfill_in_both_directions(shell: Shell) -> None:
    figures = shell.run("bench", "pools", "--items", "3000", "--pools", "20", "--changed", "700", "--seed", "2", "--json").json
    assert figures["save_s"] > 0
    assert figures["backfill_s"] >= 0
    assert 700 <= figures["enter"]["changed"] == figures["leave"]["changed"] < 1_400, "prices that are equal enter together"
    assert (figures["evaluated"], figures["items"], figures["pools"], figures["seed"]) == (3000, 3000, 20, 2)


def test_bench_understand_measures_batches_and_single_titles_beside_the_knowledge_base_alone(shell: Shell) -> None:
    figures = shell.run("bench", "understand", "--titles", "130", "--seed", "2", "--json").json
    assert figures["titles_per_s"] > 0
    assert 0 < figures["one_p50_ms"] <= figures["one_p99_ms"]
    assert figures["knowledge_alone"]["titles_per_s"] > 0
    assert (figures["titles"], figures["characters"], figures["batch_size"], figures["seed"]) == (130, 30, 64, 2)


def test_bench_service_measures_a_server_under_requests_that_arrive_by_the_clock(shell: Shell) -> None:
    sizes = ("--items", "3000", "--pools", "20", "--people", "40", "--seconds", "1.5", "--connections", "8", "--overload", "1")
    figures = shell.run("bench", "service", *sizes, "--rate", "30", "--rate", "20", "--seed", "2", "--json").json
    slow, fast = figures["steps"]
    assert (slow["rate"], fast["rate"]) == (20, 30)
    assert 10 < slow["answered"] < 60
    assert 0 < slow["p50_ms"] <= slow["p95_ms"] <= slow["p99_ms"] <= slow["max_ms"]
    assert slow["server_cores"] > 0
    assert slow["server_cpu_ms"] > 0
    assert (figures["errors"], slow["errors_by_status"]) == (0, {})
    assert figures["rps"] in {0, slow["rps"], fast["rps"]}
    overload = figures["overload"]
    assert overload["rate"] > 60
    assert overload["goodput_rps"] > 0
    assert set(overload["refused"]) <= {"503", "no answer"}
    assert overload["recovery_s"] <= 30
    assert (figures["items"], figures["people"], figures["seed"], figures["aim_ms"]) == (3000, 40, 2, 50)


def test_bench_vectors_finds_exactly_what_each_constraint_allows_and_measures_others_on_the_same_questions(shell: Shell) -> None:
    sizes = ["--items", "2000", "--pools", "20", "--questions", "20", "--dimensions", "16", "--k", "10"]
    figures = shell.run("bench", "vectors", *sizes, "--seed", "2", "--json").json
    rows = figures["dimensions"]["16"]["methods"]
    ours = {row["inside"]: (row["recall"], row["leak"]) for row in rows if row["method"] == "ours"}
    assert ours == dict.fromkeys(("pool", "category", "other_category", "both"), (1.0, 0.0))
    assert {row["method"] for row in rows} >= {"faiss flat + sorted range", "faiss ivf + selector", "faiss hnsw + selector"}
    assert all("usearch" in row["method"] for row in rows if "skipped" in row)
    assert all(0 <= row["recall"] <= 1 and 0 < row["p50_ms"] <= row["p99_ms"] for row in rows if "skipped" not in row)
    assert [(row["recall"], row["leak"]) for row in figures["in_the_vector"]["shift"]] == [(1.0, 0.0)] * 3
    confused = [row["confusion_at_1.0"] for row in figures["in_the_vector"]["rule_vectors"]]
    assert confused[0] < confused[-2] < confused[-1]


def test_bench_vectors_leaves_out_what_is_not_asked_for(shell: Shell) -> None:
    sizes = ["--items", "1000", "--pools", "5", "--questions", "20", "--dimensions", "8", "--dimensions", "16", "--k", "5"]
    figures = shell.run("bench", "vectors", *sizes, "--way", "flat", "--json").json
    for size in ("8", "16"):
        assert {row["method"] for row in figures["dimensions"][size]["methods"]} == {"ours", "faiss flat + sorted range"}
