"""`smallpool evaluate quality`: listings against copies that are spoilt in kinds which no training sees.

In: a file of titles, and a trained model if not the one in use. Out: by kind how often the listing has the higher quality.
"""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins
from msgspec.structs import replace

from smallpool_config.cli.evaluate_reposts import Data, WhichHalf
from smallpool_config.cli.options import AsJson
from smallpool_config.cli.screen import print_json, screen, table
from smallpool_config.cli.titles import Half, read_titles
from smallpool_core.errors import KnowledgeRefused


def quality(
    ctx: typer.Context,
    data: Data,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="DIR", help="Folder of a trained model; by default the one in use.", file_okay=False)
    ] = None,
    half: WhichHalf = Half.ALL,
    most: Annotated[int, typer.Option("--titles", min=1, help="How many titles at most.")] = 4_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same spoilt copies every time.")] = 1,
    as_json: AsJson = False,
) -> None:
    """How often a listing is above its spoilt copy: stuffing, contact details, absurd price, words dropped, shuffled, swapped category."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.judging.evaluate import evaluate_quality
    from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge
    from smallpool_models.understanding.prices import Prices
    from smallpool_models.understanding.settings import read_quality_model
    from smallpool_models.understanding.tables import Reader

    knowledge = load_knowledge(settings_of(ctx, None).knowledge.path)
    if model is not None:
        reader = Reader(model)
        trained = read_quality_model(reader)
        if trained is None or reader.problems:
            raise KnowledgeRefused(reader.problems)
        knowledge = replace(knowledge, quality_model=trained)
    titles = [(one.title, one.category) for one in islice(read_titles(data, half, shown=not as_json), most)]
    figures = evaluate_quality(titles, KnowledgeUnderstander(knowledge), Prices(knowledge.categories, knowledge.price_tenths), seed)
    if as_json:
        told = {"data": data.name, "half": half, "seed": seed, "trained_on": knowledge.quality_model.trained_on}
        print_json({**told, **to_builtins(figures)})
        return
    numbers = ("pairs", "listing above", "from", "to")
    shown = table("copy", *numbers, title=f"{figures.titles} titles of {data.name}", right=numbers)
    for kind, share in figures.by_kind.items():
        shown.add_row(kind, str(share.pairs), f"{share.above:.3f}", *(f"{bound:.3f}" for bound in share.interval))
    screen().print(shown)
