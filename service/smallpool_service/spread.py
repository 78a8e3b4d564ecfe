"""Spread (打散) of each source's hits: a cap per spread key, and a share per trigger; deterministic, never a shuffle.

In: the answers of the sources. Out: hits by source, thinner, with what was left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_core.pages import Dropped, Hit
from smallpool_service.candidates import Lists, Question, Recalled

STAGE = "spread"


def cut_key(spread_key: str, level: int | None) -> str:
    """The spread key as a pool counts it: the whole category path, or its first `level` elements."""
    return spread_key if level is None else _cut(spread_key, level)


@lru_cache(maxsize=65_536)
def _cut(spread_key: str, level: int) -> str:
    return PATH_SEPARATOR.join(spread_key.split(PATH_SEPARATOR)[:level])


def by_weight(weights: Mapping[str, int]) -> dict[str, int]:
    """Place of each trigger term, heaviest first, ties by the term's bytes; an item belongs to its term of least place."""
    return {term: place for place, term in enumerate(sorted(weights, key=lambda term: (-weights[term], term.encode())))}


def owners(hits: Sequence[Hit], weights: Mapping[str, int]) -> dict[str, str]:
    """The trigger to which each matched item belongs; items that matched none are left out."""
    matched = {hit.terms for hit in hits if hit.terms}
    place = by_weight(weights) if matched else {}
    heaviest = {terms: min(terms, key=place.__getitem__) for terms in matched}
    return {hit.item_id: heaviest[hit.terms] for hit in hits if hit.terms}


def spread(recalled: Recalled, question: Question, share: float) -> Lists:
    """Applies both limits to each source by itself, for the question that it was asked.

    At most `cap` items per spread key. Of the items wanted of the source no trigger brings more than `share` while others
    have items left; where they have none (its source is exhausted, or there is no other), its further items fill up.
    """
    query = question.query
    dropped: list[Dropped] = []
    kept: dict[str, list[Hit]] = {}
    for source, answer in recalled.answers.items():
        capped = _under_cap(answer.hits, query.cap, query.spread_level, dropped)
        owner = owners(capped, question.weights)
        alone = answer.exhausted or len(question.weights) == 1
        wanted = recalled.asked.get(source, query.limit)
        kept[source] = _shared_out(capped, owner, wanted, int(wanted * share), dropped, alone=alone)
    return Lists(kept, tuple(dropped))


def _under_cap(hits: Sequence[Hit], cap: int, level: int | None, dropped: list[Dropped]) -> list[Hit]:
    keys = [hit.spread_key for hit in hits] if level is None else [cut_key(hit.spread_key, level) for hit in hits]
    if max(Counter(keys).values(), default=0) <= cap:
        return list(hits)
    counts: dict[str, int] = {}
    kept = []
    for hit, key in zip(hits, keys, strict=True):
        count = counts[key] = counts.get(key, 0) + 1
        if count <= cap:
            kept.append(hit)
        else:
            dropped.append(Dropped(hit.item_id, STAGE, "category_cap", f"{cap} of {key} ranked higher"))
    return kept


def _shared_out(hits: list[Hit], owner: Mapping[str, str], wanted: int, quota: int, dropped: list[Dropped], *, alone: bool) -> list[Hit]:
    """At most `wanted` hits, and `quota` of each trigger; where one is `alone` in having more, it fills up to `wanted`."""
    brings = Counter(owner.values())
    crowding = [trigger for trigger, count in brings.items() if count > quota]
    if not crowding and len(hits) <= wanted:
        return hits
    allowed = dict.fromkeys(crowding, quota)
    if alone and len(crowding) == 1:
        others = len(hits) - brings[crowding[0]]
        allowed[crowding[0]] = max(quota, wanted - others)
    brought: Counter[str] = Counter()
    kept: list[Hit] = []
    for hit in hits:
        trigger = owner.get(hit.item_id, "")
        if len(kept) == wanted:
            dropped.append(Dropped(hit.item_id, STAGE, "enough", f"{wanted} of the source ranked higher"))
        elif trigger in allowed and brought[trigger] == allowed[trigger]:
            dropped.append(Dropped(hit.item_id, STAGE, "trigger_share", f"{trigger} brings {brought[trigger]} of {wanted} already"))
        else:
            brought[trigger] += 1
            kept.append(hit)
    return kept
