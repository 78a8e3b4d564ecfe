"""`smallpool train items` and `smallpool train interests`: one model folder of the vectors of items and of people's interests.

In: files of behaviour, or a number of generated listings. Out: a folder with the model, its manifest and its card; how training goes on
stderr, what it reached on stdout.
"""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table
from smallpool_config.cli.training import with_progress

if TYPE_CHECKING:
    from smallpool_config.embedding import BehaviourSource
    from smallpool_models.training.vectors.card import VectorCard

_READ: dict[str, Any] = {"exists": True, "dir_okay": False}
_WITHOUT = ("fusion", "selection", "metric")
_IDS = ("auto", "on", "off")

Sequences = Annotated[Path | None, typer.Option("--sequences", metavar="FILE", help="Lines of user item item ..., in time order.", **_READ)]
Attributes = Annotated[
    Path | None, typer.Option("--attributes", metavar="FILE", help="With --sequences: JSON, item to its attributes.", **_READ)
]
Sessions = Annotated[
    Path | None,
    typer.Option("--sessions", metavar="DIR", help="Folder of train.jsonl and test.jsonl, a session a line.", exists=True, file_okay=False),
]
ItemCategory = Annotated[
    Path | None,
    typer.Option(
        "--item-category",
        metavar="FILE",
        help="Category of each item; by default DIR/item_category.json.",
        show_default=False,
        **_READ,
    ),
]
Events = Annotated[
    Path | None, typer.Option("--events", metavar="FILE", help="Acts of your own: user, item, event, at (ms); JSONL or Parquet.", **_READ)
]
Items = Annotated[
    Path | None, typer.Option("--items", metavar="FILE", help="With --events: item events, or wide items, one a line.", **_READ)
]
Generated = Annotated[int, typer.Option("--generated", min=0, help="Instead of files: so many generated listings, and their buyers.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model's folder is written.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Makes the same training every time.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Most passes over the rows; by default what suits the data.")]
Minutes = Annotated[float | None, typer.Option("--minutes", min=0.1, help="Most minutes of computing.")]


def _even(width: int | None) -> int | None:
    if width is not None and width % 2:
        raise typer.BadParameter(f"{width} is odd; an even number is wanted")
    return width


Width = Annotated[int | None, typer.Option("--width", min=4, help="Dimensions of a vector; even.", callback=_even)]
IdsOption = Annotated[
    str, typer.Option("--ids", metavar="auto|on|off", help="A residual of its own for each item; auto: where items stay for long.")
]
Cold = Annotated[float, typer.Option("--cold-share", min=0, max=0.9, help="This share of the items is kept out, to measure new ones by.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what was broken off in --out.")]


def source_of(
    sequences: Path | None,
    attributes: Path | None,
    sessions: Path | None,
    item_category: Path | None,
    events: Path | None = None,
    items: Path | None = None,
    generated: int = 0,
) -> "BehaviourSource":
    """Where behaviour comes from; a usage error unless it is one place."""
    from smallpool_config.embedding import BehaviourSource

    if sum((sequences is not None, sessions is not None, events is not None, generated > 0)) != 1:
        raise typer.BadParameter("name one of --sequences FILE, --sessions DIR, --events FILE and --generated N")
    if (events is None) != (items is None):
        raise typer.BadParameter("--events and --items go together")
    return BehaviourSource(sequences, attributes, sessions, item_category, events, items, generated)


def interests(
    ctx: typer.Context,
    out: Out,
    sequences: Sequences = None,
    attributes: Attributes = None,
    sessions: Sessions = None,
    item_category: ItemCategory = None,
    events: Events = None,
    items: Items = None,
    generated: Generated = 0,
    seed: Seed = 1,
    epochs: Epochs = None,
    minutes: Minutes = None,
    width: Width = None,
    count: Annotated[
        int | None, typer.Option("--interests", min=1, max=16, help="Interests of a person, K; by default 1 for --sequences, else 3.")
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="fusion|selection|metric", help="Leave this out, to see what it is worth.")
    ] = None,
    ids: IdsOption = "auto",
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Start from the items' vectors of this model.", exists=True, file_okay=False),
    ] = None,
    cold_share: Cold = 0.0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train the vectors of items and of people's interests.

    Of a sequence the last item is never learnt from (it is for the test), nor the one before it, which decides when to stop. Of sessions
    train.jsonl is learnt from, but for a twentieth that decides. Needs the extra `train`.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.embedding import VectorOrder, train_user_vectors

    order = VectorOrder(
        source_of(sequences, attributes, sessions, item_category, events, items, generated),
        out,
        seed=seed,
        epochs=epochs,
        minutes=minutes,
        width=width,
        interests=count,
        without=_one_of("--without", without or [], _WITHOUT),
        ids=_one_of("--ids", [ids], _IDS)[0],
        cold_share=cold_share,
        start=start,
        resume=resume,
        command=as_typed(),
    )
    _show(with_progress(lambda report: train_user_vectors(settings_of(ctx, None), order, report), shown=not as_json), out, as_json=as_json)


def items(
    ctx: typer.Context,
    out: Out,
    sequences: Sequences = None,
    attributes: Attributes = None,
    sessions: Sessions = None,
    item_category: ItemCategory = None,
    events: Events = None,
    listings: Items = None,
    generated: Generated = 0,
    seed: Seed = 1,
    epochs: Epochs = None,
    minutes: Minutes = None,
    width: Width = None,
    ids: IdsOption = "auto",
    cold_share: Cold = 0.0,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Train the vectors of items alone, by what stands beside what on shopping paths; `train interests --from` goes on from them.

    What is never learnt from is as for `train interests`. Needs the extra `train`.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.embedding import VectorOrder, train_item_vectors

    order = VectorOrder(
        source_of(sequences, attributes, sessions, item_category, events, listings, generated),
        out,
        seed=seed,
        epochs=epochs,
        minutes=minutes,
        width=width,
        ids=_one_of("--ids", [ids], _IDS)[0],
        cold_share=cold_share,
        resume=resume,
        command=as_typed(),
    )
    _show(with_progress(lambda report: train_item_vectors(settings_of(ctx, None), order, report), shown=not as_json), out, as_json=as_json)


def _show(told: "VectorCard", out: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    rows = table("data", "items", "rows", *told.dev, right=("items", "rows", *told.dev))
    counts = (str(told.counts["items"]), str(told.counts["rows"]))
    rows.add_row(plain(told.data), *counts, *(f"{value:.4f}" for value in told.dev.values()))
    console = screen()
    console.print(rows)
    console.print(f"{told.seconds:.0f} s; the model and its card are in {out}")


def as_typed() -> str:
    """The command, for the model's card."""
    return shlex.join(["smallpool", *sys.argv[1:]])


def _one_of(name: str, values: list[str], allowed: tuple[str, ...]) -> Any:
    if wrong := next((one for one in values if one not in allowed), None):
        raise typer.BadParameter(f"{name}: found {wrong}; {', '.join(allowed)} are possible")
    return tuple(values)
