"""Titles labelled by the knowledge base (distant supervision): what a shipped model may be trained on.

In: the understander of a knowledge base, and titles that people labelled in part. Out: one `TitleSet` in the knowledge base's own
types. What a person labelled stays; the knowledge base adds the types that the set does not have.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from smallpool_core.items import Given
from smallpool_models.listings import generate_listings
from smallpool_models.ner.piles import Piles
from smallpool_models.ner.titles import Labelled, Place, TitleSet
from smallpool_models.understanding import KnowledgeUnderstander

NAME = "listings"
"""The head of such a model."""
_START_MS = 1_760_000_000_000
_BATCH = 500


def labelled_listings(understander: KnowledgeUnderstander, *, count: int, seed: int) -> list[Labelled]:
    """Distinct generated titles with all that the knowledge base finds in them."""
    events = generate_listings(understander.knowledge, count=count, seed=seed, start_ms=_START_MS)
    given = {event.given.title: event.given for event in events if event.given is not None}
    return _labelled(understander, list(given.values()))


def generated_titles(understander: KnowledgeUnderstander, folder: Path, *, count: int, seed: int) -> TitleSet:
    """A quarter as sellers write, the rest piles of keywords as shops do; the digest is of the words of both."""
    piles = Piles(understander, folder)
    titles = labelled_listings(understander, count=count // 4, seed=seed)
    titles += piles.make(count - count // 4, seed)
    types = tuple(sorted({kind for title in titles for _, _, kind in title.spans}))
    return TitleSet(NAME, tuple(titles), types, {}, f"{understander.knowledge.version}+{piles.sha256}")


def label_by_knowledge(understander: KnowledgeUnderstander, sets: Sequence[TitleSet], generated: TitleSet) -> TitleSet:
    """The generated titles and the sets' titles as one set; digests and dropped rows are joined."""
    titles = list(generated.titles)
    for one in sets:
        known = _labelled(understander, [Given(title=title.text) for title in one.titles])
        titles += [_joined(title, found, frozenset(one.types)) for title, found in zip(one.titles, known, strict=True)]
    types = tuple(sorted({kind for title in titles for _, _, kind in title.spans}))
    dropped = {f"{one.name}: {reason}": count for one in sets for reason, count in one.dropped.items()}
    return TitleSet(NAME, tuple(titles), types, dropped, "+".join(one.sha256 for one in (generated, *sets)))


def _joined(title: Labelled, found: Labelled, labelled: frozenset[str]) -> Labelled:
    further = [span for span in found.spans if span[2] not in labelled]
    return Labelled(title.text, _apart([*title.spans, *further]))


def _labelled(understander: KnowledgeUnderstander, given: Sequence[Given]) -> list[Labelled]:
    titles = []
    for start in range(0, len(given), _BATCH):
        some = given[start : start + _BATCH]
        for one, understood in zip(some, understander.understand(some), strict=True):
            spans = [(span.start, span.end, span.type) for span in understood.spans]
            titles.append(Labelled(one.title, _apart([*spans, *understander.conditions(one.title)])))
    return titles


def _apart(spans: Iterable[Place]) -> tuple[Place, ...]:
    """The spans in order, of those that overlap the one that came first."""
    kept: list[Place] = []
    for start, end, kind in spans:
        if all(end <= other[0] or other[1] <= start for other in kept):
            kept.append((start, end, kind))
    return tuple(sorted(kept))
