"""`smallpool bench`: the figures by which speed and memory are judged.

In: sizes and a seed. Out: the figures, and what they were measured on.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table

app = typer.Typer(no_args_is_help=True, help="Measure speed and memory.")
DIMENSIONS = (64, 128)
RATES = (50.0, 100.0, 150.0, 200.0, 250.0, 300.0)


class Way(StrEnum):
    """What `bench vectors` measures ours beside."""

    FLAT = "flat"
    IVF = "ivf"
    HNSW = "hnsw"
    USEARCH = "usearch"


Seed = Annotated[int, typer.Option("--seed", min=0, help="Makes the same load every time.")]


@app.command("recall")
def recall(
    ctx: typer.Context,
    items: Annotated[int, typer.Option("--items", min=1, help="Items in the marketplace.")] = 1_000_000,
    pools: Annotated[int, typer.Option("--pools", min=1, help="Pools over them.")] = 10_000,
    requests: Annotated[int, typer.Option("--requests", min=1, help="Pages asked for, each by a new person.")] = 2_000,
    boosts: Annotated[int, typer.Option("--boosts", min=0, max=20, help="Conditions by which each pool boosts items.")] = 0,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time one page through the whole read path with its claim, in process, on one core."""
    from smallpool_config.bench.recall import bench_recall
    from smallpool_config.cli.session import settings_of

    figures = bench_recall(settings_of(ctx, None), items=items, pools=pools, requests=requests, seed=seed, boosts=boosts)
    _tell(figures, as_json=as_json)


@app.command("service")
def service(
    ctx: typer.Context,
    items: Annotated[int, typer.Option("--items", min=1, help="Items in the marketplace.")] = 1_000_000,
    pools: Annotated[int, typer.Option("--pools", min=1, help="Pools over them.")] = 10_000,
    people: Annotated[int, typer.Option("--people", min=1, help="People who ask, one after another, from the first again.")] = 5_000,
    rate: Annotated[
        list[float] | None,
        typer.Option(
            "--rate",
            min=1,
            help="Requests a second, each rate by itself; may be given several times.",
            show_default="50 100 150 200 250 300",
        ),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, help="How long each rate lasts.")] = 20.0,
    connections: Annotated[int, typer.Option("--connections", min=1, help="Connections that are kept open.")] = 64,
    overload: Annotated[float, typer.Option("--overload", min=0, help="Seconds of five times what it can answer; 0 for none.")] = 10.0,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time pages over HTTP: one server in a process of its own, and requests that arrive by the clock, answered or not.

    `rps` is the most a second that had an answer within 50 ms for 99 of 100, counted from when each was due, and without an error.
    """
    from smallpool_config.bench.service import Sizes, bench_service
    from smallpool_config.cli.session import settings_of

    sizes = Sizes(items, pools, people, sorted(rate or RATES), seconds, connections, overload)
    _tell(bench_service(settings_of(ctx, None), sizes, ctx.find_object(Path), seed), as_json=as_json)


@app.command("ingest")
def ingest(
    ctx: typer.Context,
    items: Annotated[int, typer.Option("--items", min=1, help="Listings to take in.")] = 20_000,
    pools: Annotated[int, typer.Option("--pools", min=1, help="Pools whose rules each listing is held against.")] = 10_000,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long freshness is watched.")] = 20,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time the whole write path, and how soon a listing is recallable while half as many arrive as it can take."""
    from smallpool_config.bench.ingest import bench_ingest
    from smallpool_config.cli.session import settings_of

    figures = bench_ingest(settings_of(ctx, None), items=items, pools=pools, seconds=seconds, seed=seed)
    _tell(figures, as_json=as_json)


@app.command("understand")
def understand(
    ctx: typer.Context,
    titles: Annotated[int, typer.Option("--titles", min=1, help="Titles of 30 characters to understand.")] = 5_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time understanding titles in batches of 64 and one by one, beside the knowledge base alone, on one core."""
    from smallpool_config.bench.understanding import bench_understand
    from smallpool_config.cli.session import settings_of

    _tell(bench_understand(settings_of(ctx, None), titles=titles, seed=seed), as_json=as_json)


@app.command("rules")
def rules(
    ctx: typer.Context,
    rules: Annotated[int, typer.Option("--rules", min=1, help="Rules that an item is held against, one a pool.")] = 10_000,
    items: Annotated[int, typer.Option("--items", min=1, help="Listings to find the pools of.")] = 10_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time finding the pools of listings among many rules, in batches and one by one, and taking in a changed rule, on one core."""
    from smallpool_config.bench.matching import bench_rules
    from smallpool_config.cli.session import settings_of

    _tell(bench_rules(settings_of(ctx, None), rules=rules, items=items, seed=seed), as_json=as_json)


@app.command("pools")
def pools(
    ctx: typer.Context,
    items: Annotated[int, typer.Option("--items", min=2, help="Items in the marketplace.")] = 1_000_000,
    pools: Annotated[int, typer.Option("--pools", min=1, help="Pools over them, beside the one that is changed.")] = 10_000,
    changed: Annotated[int, typer.Option("--changed", min=1, help="Items that enter the changed pool, and then leave it.")] = 100_000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time saving a pool's rule, and the backfill that brings the tags of all items in line with it, in process."""
    from smallpool_config.bench.pool_change import bench_pools
    from smallpool_config.cli.session import settings_of

    _tell(bench_pools(settings_of(ctx, None), items=items, pools=pools, changed=changed, seed=seed), as_json=as_json)


@app.command("vectors")
def vectors(
    items: Annotated[int, typer.Option("--items", min=100, help="Items in the marketplace.")] = 1_000_000,
    pools: Annotated[int, typer.Option("--pools", min=1, help="Pools over them.")] = 10_000,
    questions: Annotated[int, typer.Option("--questions", min=1, help="Questions for each constraint.")] = 300,
    dimensions: Annotated[
        list[int] | None,
        typer.Option("--dimensions", min=2, max=512, help="Of the vectors; may be given several times.", show_default="64 128"),
    ] = None,
    k: Annotated[int, typer.Option("--k", min=1, max=1_000, help="How many of the nearest are asked for.")] = 100,
    way: Annotated[
        list[Way] | None, typer.Option("--way", help="What ours is measured beside; may be given several times.", show_default="all")
    ] = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Time the nearest items inside a pool, a category and both, beside what FAISS and usearch make of such a constraint, on one thread.

    `recall` is the share of the true nearest that was found, `leak` the share of what was found that the constraint forbids. A graph of a
    million vectors takes minutes to build; `--way` leaves it out, `--items` makes all small. usearch is measured where it is installed.
    """
    from smallpool_config.bench.vectors import Sizes, bench_vectors

    asked = [one.value for one in way or Way]
    _tell(bench_vectors(Sizes(items, pools, questions, k), dimensions or DIMENSIONS, asked, seed), as_json=as_json)


@app.command("stack")
def stack(
    ctx: typer.Context,
    items: Annotated[int, typer.Option("--items", min=1, help="Items in the marketplace.")] = 1_000_000,
    pools: Annotated[
        int, typer.Option("--pools", min=1, help="Pools over them; also those whose rules each listing is held against.")
    ] = 10_000,
    requests: Annotated[int, typer.Option("--requests", min=1, help="Pages asked for, each by a new person.")] = 300,
    listings: Annotated[int, typer.Option("--listings", min=1, help="Listings to take in.")] = 20_000,
    per_second: Annotated[int, typer.Option("--per-second", min=1, help="Listings that arrive while freshness is watched.")] = 300,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long freshness is watched.")] = 20,
    seed: Seed = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the loaded marketplace on the servers; its name is in the figures.")] = False,
    reuse: Annotated[
        str | None,
        typer.Option("--reuse", metavar="NAME", help="Load none, use this one that was kept; without --keep it is removed afterwards."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Time the distributed wiring on real servers, each figure beside a peer of the same run.

    The servers are those of the settings, as `smallpool stack up` prints them. A page is timed against the searches that it needs
    alone, and against services written by hand over the same index; then a write path takes listings in, and it is watched how soon
    they are recallable.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.wiring import open_system

    settings = replace(settings_of(ctx, None), wiring="distributed")
    open_system(settings)  # says which packages are missing
    from smallpool_config.bench.stack import Sizes, bench_stack

    sizes = Sizes(items, pools, requests, listings, per_second, seconds)
    _tell(bench_stack(settings, sizes, seed=seed, reuse=reuse, keep=keep), as_json=as_json)


def _tell(figures: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(figures)
        return
    rows = table("figure", "value", right=("value",))
    for name, value in _flat(figures):
        rows.add_row(name, f"{value:,}" if isinstance(value, int | float) else str(value))
    screen().print(rows)


def _flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Figures inside figures by their dotted names."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
            yield from _flat({str(place): one for place, one in enumerate(value, start=1)}, f"{prefix}{name}.")
        else:
            yield prefix + name, value
