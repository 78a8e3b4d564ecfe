"""`smallpool evaluate interests` and `smallpool evaluate items`: how well a model of vectors finds the next thing that people touch.

In: files of behaviour as for training, split inside, and a model's folder. Out: one JSON object, or a table; pictures as a page.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import plain, print_json, screen, table
from smallpool_config.cli.train_vectors import Attributes, Events, Generated, ItemCategory, Items, Sequences, Sessions, source_of
from smallpool_config.cli.training import with_progress

Model = Annotated[Path, typer.Option("--model", metavar="DIR", help="A folder that `smallpool train interests` wrote.")]
Against = Annotated[
    list[Path] | None, typer.Option("--against", metavar="DIR", help="Another model as a further row; may be given several times.")
]
KeepHistory = Annotated[bool, typer.Option("--keep-history", help="Leave items of the history in the ranking.")]
ColdShare = Annotated[
    float, typer.Option("--cold-share", min=0, max=0.9, help="Ask for items alone that `train interests` kept out by this share.")
]
Most = Annotated[int, typer.Option("--questions", min=0, help="Test questions at most, drawn by the seed; 0 for all.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Breaks ties, draws samples, trains NCF.")]
Page = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write pictures, a page in one file; trains NCF for it.", show_default=False)
]
_FIGURES = ("hr@10", "ndcg@10", "recall@20", "recall@50")
_OF_ITEMS = ("known", "same_category", "within", "between")


def interests(
    ctx: typer.Context,
    model: Model,
    sequences: Sequences = None,
    attributes: Attributes = None,
    sessions: Sessions = None,
    item_category: ItemCategory = None,
    events: Events = None,
    items: Items = None,
    generated: Generated = 0,
    against: Against = None,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Beside popularity, co-visit, NCF (trained now, with the extra `train`), mean pooling.")
    ] = False,
    blend: Annotated[bool, typer.Option("--blend", help="Beside a blend with co-visit, its weight tuned on validation.")] = False,
    by_activity: Annotated[
        bool, typer.Option("--by-activity", help="Each row by tercile of what people did before, the worst named.")
    ] = False,
    latent: Annotated[
        bool, typer.Option("--latent", help="Also targets of categories that the history lacks, by latent interests.")
    ] = False,
    keep_history: KeepHistory = False,
    cold_share: ColdShare = 0.0,
    most: Most = 0,
    seed: Seed = 1,
    report: Page = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model's interests: hr@10, ndcg@10, recall@20 and recall@50 among all items without those of the history.

    Of sequences the last item of each person is the test and the one before it validation; of sessions test.jsonl is the test. Each
    row has bounds by bootstrap, and the difference that the model makes beside it, question by question.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.embedding import behaviour_from
    from smallpool_config.evaluation.interests import InterestOrder, evaluate_interests

    source = source_of(sequences, attributes, sessions, item_category, events, items, generated)
    order = InterestOrder(model, tuple(against or ()), baselines, blend, by_activity, keep_history, latent, report, cold_share, most, seed)
    behaviour = behaviour_from(settings_of(ctx, None), source, seed)
    told = with_progress(lambda show: evaluate_interests(behaviour, order, show), shown=not as_json)
    if as_json:
        print_json(told)
        return
    _show(told, "interests")
    console = screen()
    console.print(f"likeness between a person's interests {told['ils']['mean']:.3f}, of {told['ils']['people']} people")
    if blend:
        console.print(f"the blend's weight, {told['blend']['weight']}, was tuned on validation")
    if latent:
        _show_latent(told["latent"])


def items(
    ctx: typer.Context,
    model: Model,
    sequences: Sequences = None,
    attributes: Attributes = None,
    sessions: Sessions = None,
    item_category: ItemCategory = None,
    events: Events = None,
    items: Items = None,
    generated: Generated = 0,
    against: Against = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Beside the items of NCF (trained now, with the extra `train`).")] = False,
    keep_history: KeepHistory = False,
    cold_share: ColdShare = 0.0,
    most: Most = 0,
    seed: Seed = 1,
    report: Page = None,
    as_json: AsJson = False,
) -> None:
    """Measure the vectors of items by themselves: is what people touch next among the neighbours of what they touched last?

    Beside hr@10, ndcg@10, recall@20 and recall@50 of that: the share of items that have a vector, how many of ten neighbours are of an
    item's own category, and the mean cosine of two items of one category and of two.
    """
    from smallpool_config.cli.session import settings_of
    from smallpool_config.embedding import behaviour_from
    from smallpool_config.evaluation.interests import InterestOrder
    from smallpool_config.evaluation.items import evaluate_items

    source = source_of(sequences, attributes, sessions, item_category, events, items, generated)
    order = InterestOrder(
        model,
        tuple(against or ()),
        baselines=baselines,
        keep_history=keep_history,
        report=report,
        cold=cold_share,
        most=most,
        seed=seed,
    )
    behaviour = behaviour_from(settings_of(ctx, None), source, seed)
    told = with_progress(lambda show: evaluate_items(behaviour, order, show), shown=not as_json)
    if as_json:
        print_json(told)
        return
    _show(told, "items", _OF_ITEMS)


def _show(told: dict[str, Any], name: str, more: tuple[str, ...] = ()) -> None:
    title = f"{told['data']}: {told['questions']} questions among {told['items']} items, history {told['history']}"
    columns = (*_FIGURES, *more)
    shown = table("row", *columns, f"{name} − this, ndcg@10, 95 %", title=title, right=columns)
    for row in ({"row": name, **told}, *told["rows"]):
        between = row.get(f"{name}_minus_this", {}).get("ndcg@10")
        bounds = "" if between is None else "{:+.4f} … {:+.4f}".format(*between["interval"])
        shown.add_row(plain(row["row"]), *(f"{row[column]:.4f}" for column in columns), bounds)
    screen().print(shown)


def _show_latent(told: dict[str, Any]) -> None:
    title = f"targets of categories that the history lacks: {told['questions']} questions"
    shown = table("row", "hit@20", "latent − this, 95 %", title=title, right=("hit@20",))
    for row in told["rows"]:
        shown.add_row(row["row"], f"{row['hit@20']:.4f}", "{:+.4f} … {:+.4f}".format(*row["latent_minus_this"]["interval"]))
    screen().print(shown)
