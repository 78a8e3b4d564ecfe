"""A marketplace's own files, or a made-up marketplace, as behaviour that vectors are learnt from.

In: acts and listings. Out: a `Behaviour` whose items have the parts that the indexer gives them: what was understood of each listing.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Final

import msgspec

from smallpool_config.settings import Settings
from smallpool_config.tagging import understander_of
from smallpool_core.behaviour import KEPT
from smallpool_core.encoder_ports import Parts
from smallpool_core.errors import Problem, Refused
from smallpool_core.events import parse_item_event
from smallpool_core.item_parts import parts_of
from smallpool_core.items import ItemEvent, WideItem
from smallpool_indexer.widen import widen
from smallpool_models.listings import generate_buyers, generate_listings, generate_user_events
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge
from smallpool_models.vectors.behaviour import Behaviour, behaviour_of

GAP_MS: Final = 1_800_000
"""After half an hour in which a person did nothing, what they do next is another path."""
MOST_OF_A_PERSON: Final = 1_000
GENERATED_FROM_MS: Final = 1_750_000_000_000
ACTS_PER_LISTING: Final = 8
LISTINGS_PER_BUYER: Final = 8
_AT_ONCE: Final = 256
_BROKEN: Final = ""


def read_own(settings: Settings, events: Path, items: Path) -> Behaviour:
    """Acts as `smallpool import user-history` reads them; item events as `smallpool publish` reads them, or wide items as `import wide`
    does, one a line. Raises `Refused` for a file that is neither.
    """
    from smallpool_stores.duckdb.histories import histories  # noqa: PLC0415  the store is needed by this alone

    parts = {one.item_id: one for one in read_parts(settings, items)}
    with histories(events, settings.relations.memory_mb, MOST_OF_A_PERSON) as found:
        paths = (path_of((row.event, row.item_id, row.at) for row in rows) for rows in found.people() if rows[0].user_id is not None)
        return behaviour_of(events.name, paths, lambda item_id: parts.get(item_id, Parts(item_id=item_id)))


def generated_behaviour(settings: Settings, listings: int, seed: int) -> Behaviour:
    """So many made-up listings, an eighth as many buyers with tastes, and eight acts a listing."""
    understander = understander_of(load_knowledge(settings.knowledge.path), settings.models)
    knowledge = understander.knowledge
    published = list(generate_listings(knowledge, count=listings, seed=seed, start_ms=GENERATED_FROM_MS))
    buyers = generate_buyers(knowledge, published, count=max(listings // LISTINGS_PER_BUYER, 1), seed=seed)
    ends = published[-1].at
    acts = list(generate_user_events(buyers, published, count=listings * ACTS_PER_LISTING, seed=seed, start_ms=ends))
    acts.sort(key=lambda act: (act.user_id or "", act.at))
    parts = {one.item_id: one for one in _understood(understander, published)}
    paths = (path_of((act.type, act.item_id, act.at) for act in own) for _, own in groupby(acts, key=lambda act: act.user_id))
    return behaviour_of(f"{listings} generated listings", paths, lambda item_id: parts.get(item_id, Parts(item_id=item_id)))


def path_of(acts: Iterable[tuple[str | None, str | None, int | None]]) -> list[str]:
    """A person's items in the order of time; `""` where the shopping path breaks off: after half an hour, at a search, after a purchase."""
    path: list[str] = []
    last: int | None = None
    for event, item_id, at in acts:
        if event not in KEPT or not item_id or at is None:
            path.append(_BROKEN)
            continue
        if last is not None and at - last > GAP_MS:
            path.append(_BROKEN)
        if not path or path[-1] != item_id:
            path.append(item_id)
        if event == "purchase":
            path.append(_BROKEN)
        last = at
    return path


def read_parts(settings: Settings, file: Path) -> Iterator[Parts]:
    """The parts of the listings of a file: item events, or wide items, one a line. Raises `Refused` for a line that is neither."""
    understander = understander_of(load_knowledge(settings.knowledge.path), settings.models)
    wide = msgspec.json.Decoder(WideItem)

    def told() -> Iterator[ItemEvent]:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if b'"title_words"' in line or not line.strip():
                    continue
                event = parse_item_event(line, 2**62, internal=False)
                if not isinstance(event, ItemEvent):
                    raise Refused([Problem(f"{file}:{number}", str(event), "a line is an item event, or a wide item")])
                yield event

    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if b'"title_words"' in line:
                try:
                    yield parts_of(wide.decode(line))
                except msgspec.MsgspecError as error:
                    raise Refused([Problem(f"{file}:{number}", str(error), "a line is an item event, or a wide item")]) from error
    yield from _understood(understander, told())


def _understood(understander: KnowledgeUnderstander, events: Iterable[ItemEvent]) -> Iterator[Parts]:
    """The parts of each listing, as the indexer would have them."""
    listed = ((event, event.given) for event in events if event.given is not None)
    while some := list(islice(listed, _AT_ONCE)):
        meant = understander.understand([given for _, given in some])
        for (event, given), understood in zip(some, meant, strict=True):
            yield parts_of(widen(event.item_id, event.version, 0, given, understood, event.at))
