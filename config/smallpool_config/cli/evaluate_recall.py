"""`smallpool evaluate recall`: the whole read path on public sessions, inside small pools drawn from their items.

In: a folder of sessions with their categories, or one of ratings. Out: a row per source, as a table or as one JSON object.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table
from smallpool_config.cli.sources import readable

if TYPE_CHECKING:
    from smallpool_models.evaluation.sessions import Site


def _folder(path: Path | None) -> Path | None:
    if path is not None and not (path.is_dir() and os.access(path, os.R_OK)):
        raise typer.BadParameter(f"{path} is no folder that can be read")
    return path


Sessions = Annotated[
    Path | None, typer.Option("--sessions", metavar="DIR", help="Folder of train.jsonl and test.jsonl, a session a line.", callback=_folder)
]
ItemCategory = Annotated[
    Path | None,
    typer.Option(
        "--item-category",
        metavar="FILE",
        help="Category of each item; by default DIR/item_category.json.",
        callback=readable,
        show_default=False,
    ),
]
Interactions = Annotated[
    Path | None,
    typer.Option(
        "--interactions", metavar="DIR", help="Instead of sessions: folder of one .inter and one .item, split by time.", callback=_folder
    ),
]
_FIGURES = ("recall@20", "95 %", "recall@100", "95 % ", "page fill", "categories", "coverage", "Gini")


def recall(
    ctx: typer.Context,
    sessions: Sessions = None,
    item_category: ItemCategory = None,
    interactions: Interactions = None,
    pool_size: Annotated[int, typer.Option("--pool-size", min=1, help="Items of a pool.")] = 1_000,
    pools: Annotated[
        int, typer.Option("--pools", min=1, help="Pools of each kind: by category, at random; of the newest there is one.")
    ] = 2,
    most: Annotated[int, typer.Option("--test-sessions", min=1, help="Test sessions a pool at most, drawn by the seed.")] = 100,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the same pools and sessions every time.")] = 1,
    tuning: Annotated[
        bool, typer.Option("--tuning", help="Ask the last fifth of what is for training instead of the test: to choose settings by.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model", metavar="DIR", help="A model of `train interests` on these sessions: adds the sources by vectors.", callback=_folder
        ),
    ] = None,
    tune: Annotated[
        bool,
        typer.Option(
            "--tune",
            help="Choose by that fifth what each source is worth, with --model by what no model learns from: adds a row, and the settings.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Recall inside small pools of real items, by source: newest, popular, related items, terms, all of them together."""
    from smallpool_config.cli.session import settings_of
    from smallpool_config.evaluation.recall import Plan, evaluate_recall

    if tune and tuning:
        raise typer.BadParameter("--tune goes by what --tuning asks: name one of the two")
    if tune and model and sessions is None:
        raise typer.BadParameter("--tune with --model goes by sessions that no model learns from: name --sessions DIR")
    plan = Plan(pool_size=pool_size, pools=pools, sessions=most, seed=seed)
    to_tune_by = _site(sessions, item_category, interactions, tuning=True, unlearnt=model is not None) if tune else None
    site = _site(sessions, item_category, interactions, tuning=tuning)
    told = evaluate_recall(settings_of(ctx, None), site, plan, model, to_tune_by)
    if as_json:
        print_json({**told, "tuning": tuning})
        return
    _show(told)


def _site(sessions: Path | None, item_category: Path | None, interactions: Path | None, *, tuning: bool, unlearnt: bool = False) -> "Site":
    from smallpool_models.evaluation.sessions import read_interactions, read_sessions

    if (sessions is None) == (interactions is None):
        raise typer.BadParameter("name one of --sessions DIR and --interactions DIR")
    if interactions is not None:
        return read_interactions(interactions, tuning=tuning)
    assert sessions is not None  # noqa: S101, the other of the two
    return read_sessions(sessions, item_category or sessions / "item_category.json", tuning=tuning, unlearnt=unlearnt)


def _show(told: dict[str, Any]) -> None:
    console = screen()
    console.print(_table_of_rows(told))
    for row, beside in {"all": told["beside_best"], **told["others_beside_best"]}.items():
        for name, sets in beside.items():
            console.print(_table_beside(row, name.replace("_", "@"), sets))
    console.print(_table_of_shares(told))
    if told["chosen"]:
        console.print(_told_as_settings(told["chosen"]))


def _table_beside(row: str, figure: str, sets: dict[str, Any]) -> Any:
    ratio = f"{row} / best"
    shown = table("pools", "best single source", ratio, "difference, 95 %", title=f"{figure}, {row}", right=(ratio,))
    for label, one in sets.items():
        low, high = one["difference"]
        shown.add_row(label, one["best_single"], "–" if one["ratio"] is None else f"{one['ratio']:.3f}", f"{low:+.3f} … {high:+.3f}")
    return shown


def _told_as_settings(chosen: dict[str, Any]) -> str:
    """What was chosen, as a settings file has it."""
    weights = ", ".join(f"{name} = {weight:g}" for name, weight in chosen["source_weights"].items())
    told = f"# chosen by {chosen['sessions']} sessions, of worth {chosen['before']:.3f} before and {chosen['after']:.3f} after"
    return f"{told}\n\\[read]\nrank_smoothing = {chosen['rank_smoothing']:g}\nsource_weights = {{ {weights} }}"


def _table_of_rows(told: dict[str, Any]) -> Any:
    asked = told["rows"][0]["sessions"]
    title = f"{told['data']}: {asked} test sessions in pools of {told['pool_size']} of {told['items']} items"
    shown = table("source", *_FIGURES, title=title, right=_FIGURES)
    for row in told["rows"]:
        bounds = {k: "{:.3f} … {:.3f}".format(*row[f"recall_{k}_interval"]) for k in (20, 100)}
        shares = [f"{row['page_fill']:.3f}", f"{row['categories']:.1f}", f"{row['coverage']:.3f}", f"{row['gini']:.3f}"]
        shown.add_row(row["source"], f"{row['recall_20']:.3f}", bounds[20], f"{row['recall_100']:.3f}", bounds[100], *shares)
    return shown


def _table_of_shares(told: dict[str, Any]) -> Any:
    names = [row["source"] for row in told["rows"]]
    shown = table(
        "share of the site",
        "items",
        "sessions",
        *names,
        title="recall@100 by the pool's share, random pools",
        right=("items", "sessions", *names),
    )
    for one in told["by_share"]:
        figures = [f"{one['recall_100'][name]:.3f} of {one['returned'][name]:.0f}" for name in names]
        shown.add_row(f"{one['share']:.1%}", str(one["pool_size"]), str(one["sessions"]), *figures)
    return shown
