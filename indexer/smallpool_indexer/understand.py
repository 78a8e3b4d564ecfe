"""Stage understand: events that carry a listing that could count -> the same events with what the listing means.

Everything else passes unchanged. Understanding costs more than all other stages together, so events that stand no
chance against what is stored are spared it.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from smallpool_core.items import VECTORS, Given, Understood, WideItem
from smallpool_core.market_ports import Understander
from smallpool_core.row_reader import Rejection, shown
from smallpool_indexer.dead_letters import dead_letter
from smallpool_indexer.parse import Taken
from smallpool_indexer.stage import Staged


def understand(taken: Sequence[Taken], stored: Mapping[str, WideItem], understander: Understander, now: int) -> Staged[Taken]:
    """The events in their order; one that the understander cannot bear becomes a dead letter and costs no other."""
    asked = _to_understand(taken, stored)
    answers = dict(zip(asked, _understood(understander, list(asked.values())), strict=True))
    kept, letters = [], []
    for place, one in enumerate(taken):
        answer = answers.get(place)
        if isinstance(answer, Exception):
            found = shown(f"{type(answer).__name__}: {answer}")
            letters.append(dead_letter(one.record, Rejection("item", found, "the understander must bear any listing"), now))
        else:
            kept.append(one if answer is None else replace(one, given=asked[place], understood=answer))
    return Staged(kept, letters, {"unembedded": sum([_lacks_vector(answer) for answer in answers.values()])})


def _to_understand(taken: Sequence[Taken], stored: Mapping[str, WideItem]) -> dict[int, Given]:
    """Place in the batch -> the listing to understand."""
    asked: dict[int, Given] = {}
    for place, one in enumerate(taken):
        event, item = one.event, stored.get(one.event.item_id)
        if event.given is not None:
            if item is None or (event.version, 0) > item.order:
                asked[place] = event.given
        elif event.reason == "understand" and item is not None and item.state == "on_sale" and item.given is not None:
            asked[place] = item.given
    return asked


def _lacks_vector(answer: Understood | Exception) -> bool:
    """Whether a model of vectors made none of what was understood."""
    return isinstance(answer, Understood) and VECTORS in answer.versions and not answer.vector


def _understood(understander: Understander, given: list[Given]) -> list[Understood | Exception]:
    """All at once; if that fails one by one, to find out which of them fail."""
    if not given:
        return []
    try:
        return [*understander.understand(given)]
    except Exception as error:  # noqa: BLE001, an understander is a plugin and may raise anything
        return [error] if len(given) == 1 else [answer for one in given for answer in _understood(understander, [one])]
