"""`smallpool models`: what a ranker reads, and a net of one's own as a model folder that a system ranks by."""

from cli_rig import Shell, phones
from ranker_rig import linear_net
from smallpool_core.ranking import FEATURES


def test_features_are_listed_in_their_order(shell: Shell) -> None:
    told = shell.run("models", "features", "--json").json
    assert [one["name"] for one in told["features"]] == list(FEATURES)
    assert told["version"] == 2
    assert "freshness" in shell.run("models", "features").out


def test_a_net_of_ones_own_is_taken_in_and_decides_the_order_of_pages(shell: Shell) -> None:
    shell.publish(phones(6))
    shell.make_pool()
    net, folder = shell.folder / "dear.onnx", shell.folder / "ranker"
    net.write_bytes(linear_net(price=0.1))
    assert shell.run("models", "ranker", str(net), "--out", str(folder), "--json").json["features"] == 2
    shell.environment["SMALLPOOL_MODELS_RANKER"] = str(folder)
    lines = shell.run("recall", "p", "--user", "u1", "--json").json["items"]
    items = {line["item_id"]: line["score"] for line in lines}
    assert len(items) > 1
    assert list(items.values()) == sorted(items.values(), reverse=True)
    prices = {row["item_id"]: row["item"]["price_cents"] for row in phones(6)}
    assert [prices[item_id] for item_id in items] == sorted((prices[item_id] for item_id in items), reverse=True)


def test_what_is_no_ranker_is_refused_with_what_is_allowed(shell: Shell) -> None:
    net = shell.folder / "other.onnx"
    net.write_bytes(linear_net(width=3))
    failed = shell.run("models", "ranker", str(net), "--out", str(shell.folder / "ranker"), code=1)
    assert "docs/models.md" in failed.err + failed.out or "ONNX" in failed.err + failed.out
