"""`smallpool train quality`: how the parts of the quality add up, and what order and category of a title are usual.

In: titles, or nothing: then the listings that smallpool generates and the words of its knowledge base. Out: `DIR/quality_model.json`,
a file of the knowledge base.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec.structs import replace

from smallpool_config.cli.screen import screen
from smallpool_config.cli.sources import numbered_lines, readable
from smallpool_config.cli.titles import Half, read_titles
from smallpool_core.errors import SmallpoolError

if TYPE_CHECKING:
    from smallpool_core.items import Given
    from smallpool_models.understanding import KnowledgeBase

MODEL_FILE = "quality_model.json"
GENERATED = 20_000
GENERATED_FROM_MS = 1_750_000_000_000
LEAST_OF_GENERATED = 2
"""Pairs of characters that are seen once in generated titles say little, and the shipped file is to be small."""


def quality(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the model.", file_okay=False)],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FILE",
            help="Titles, one a line; a .tsv has a category before each. Without it: generated.",
            callback=readable,
        ),
    ] = None,
    sentences: Annotated[
        Path | None,
        typer.Option(
            "--sentences", metavar="FILE", help='Further sentences, lines of {"text": ...}; for the order alone.', callback=readable
        ),
    ] = None,
    half: Annotated[Half, typer.Option("--half", help="Titles that count: all, or one half by their checksum.")] = Half.ALL,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Makes the same spoilt copies every time.")] = 1,
) -> None:
    """Train the quality of listings on titles as they are against copies that are spoilt on purpose."""
    from smallpool_config.cli.session import settings_of
    from smallpool_models.judging.train import train_quality
    from smallpool_models.understanding import load_knowledge

    folder = settings_of(ctx, None).knowledge.path
    knowledge = load_knowledge(folder)
    order = _generated(knowledge, folder, seed) if data is None else _of_file(data, half, knowledge, seed)
    further = [] if sentences is None else list(_texts(sentences))
    texts = [*(given.title for given in order.listings), *order.piles, *further, *(f"{word}\t{category}" for word, category in order.words)]
    model = train_quality(
        order.listings,
        knowledge,
        trained_on=order.source + (f"; {len(further)} sentences: {sentences.name}" if sentences else ""),
        data_sha256=hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).hexdigest(),
        seed=seed,
        least=LEAST_OF_GENERATED if data is None else 1,
        sentences=[*order.piles, *further],
        words=order.words,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / MODEL_FILE).write_bytes(msgspec.json.encode(model) + b"\n")
    screen().print(f"wrote {out / MODEL_FILE}: put it into the folder of the knowledge base to use it", soft_wrap=True)


class _Order(msgspec.Struct, frozen=True):
    """What is trained on: listings, piles of keywords for the order alone, words with their categories, and where they are from."""

    listings: "Sequence[Given]"
    source: str
    piles: Sequence[str] = ()
    words: Sequence[tuple[str, str]] = ()


def _generated(knowledge: "KnowledgeBase", folder: Path, seed: int) -> _Order:
    """Generated listings, none of them spoilt on purpose: they stand for those that are as they should be."""
    from smallpool_models.judging.taught import taught_words
    from smallpool_models.listings import generate_listings
    from smallpool_models.ner.piles import Piles
    from smallpool_models.understanding import KnowledgeUnderstander

    styles = knowledge.listings
    whole = replace(knowledge, listings=replace(styles, noise=replace(styles.noise, contact=0.0, stuffed=0.0)))
    events = generate_listings(whole, count=GENERATED, seed=seed, start_ms=GENERATED_FROM_MS)
    listings = [event.given for event in events if event.given is not None]
    piles = [pile.text for pile in Piles(KnowledgeUnderstander(knowledge), folder).make(GENERATED, seed)]
    words = taught_words(knowledge, folder)
    source = f"{len(listings)} titles: generated listings; {len(piles)} piles of keywords; {len(words)} words with their categories"
    return _Order(listings, source, piles, words)


def _of_file(data: Path, half: Half, knowledge: "KnowledgeBase", seed: int) -> _Order:
    from smallpool_models.judging.rows import listings_of
    from smallpool_models.understanding import KnowledgeUnderstander
    from smallpool_models.understanding.prices import Prices

    rng = random.Random(seed)  # noqa: S311, seeded: the same listings every time
    rows = [(one.title, one.category) for one in read_titles(data, half, shown=True)]
    listings = listings_of(rows, KnowledgeUnderstander(knowledge), Prices(knowledge.categories, knowledge.price_tenths), rng)
    return _Order(listings, f"{len(listings)} titles: {data.name}, half: {half}")


def _texts(file: Path) -> Iterator[str]:
    with numbered_lines(file, shown=True) as lines:
        for number, line in lines:
            try:
                yield msgspec.json.decode(line, type=_Sentence).text
            except msgspec.MsgspecError as error:
                raise SmallpoolError(f'could not read line {number} of {file}: {error}; each is a JSON object with "text"') from error


class _Sentence(msgspec.Struct):
    text: str
