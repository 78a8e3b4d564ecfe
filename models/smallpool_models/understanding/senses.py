"""Which of its meanings a word has where it stands: votes of what stands beside it, by what the knowledge base says of both.

In: a text, the words found in it, the category that the seller gave. Out: the same words, each ambiguous one with the meaning that won;
one that turns out to be a word of everyday speech is left out.

Every vote can be traced to a line of a file (`config/knowledge/README.md`, "Words with several meanings"): a word that the line of the
meaning names, a relation between the two, a category that both have. Nothing is learned, so a person may mend what is wrong.
"""

from collections.abc import Sequence

from smallpool_core.normalise import PATH_SEPARATOR
from smallpool_models.understanding.knowledge import KnowledgeBase
from smallpool_models.understanding.lexicon import Found, Reading, Sense
from smallpool_models.understanding.relations import RELATIONS

NAMED = 2.0
"""A word of the meaning's line stands in the text; `TOUCHING` where it is the very neighbour."""
TOUCHING = 3.0
RELATED = 2.0
"""A relation of `relations.tsv` holds between the meaning and a neighbour, or a neighbour is the same entry in another form."""
SAME_CATEGORY = 1.0
SAME_TOP = 0.5
OTHER_TOP = -0.5
"""Votes of a neighbour with the same category, one under the same top, and one of which neither holds."""
MADE_OF = 0.25
"""What a material has before a thing where another thing is named: a title sells one, and the other is what it is made of."""
GIVEN = 3.0
"""Times as much the seller's own category counts."""
_MOST_AROUND = 200
"""So many words are asked, those of the same text first: a listing that says one word all over must not take seconds."""
_SURE = frozenset({"product", "model"})
"""Neighbours that say what the item is; all others say what belongs to it, and count half."""


class Senses:
    """Chooses meanings; keeps no state but the relations and the categories that there are."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._tops = frozenset(key.split(PATH_SEPARATOR)[0] for key in knowledge.categories)
        related: set[tuple[str, str, str]] = set()
        for one in knowledge.relations:
            before, after = RELATIONS[one.name]
            related.update((kind, one.subject, one.object) for kind in before)
            related.update((kind, one.object, one.subject) for kind in after)
        self._related = frozenset(related)

    def choose(self, text: str, found: Sequence[Found], given: str, further: Sequence[Found] = ()) -> list[Found]:
        """The words with their meanings; `given` is the key of the seller's category, `further` what else the listing says."""
        if not any(word.senses for word in found):
            return list(found)
        around = [*found, *further][:_MOST_AROUND]
        said: dict[tuple[Sense, ...], list[float]] = {}
        chosen = []
        for word in found:
            if not word.senses:
                chosen.append(word)
                continue
            if word.senses not in said:
                said[word.senses] = [self._votes(sense.reading, word.senses, around, given) for sense in word.senses]
            if (kept := _chosen(text, word, said[word.senses])) is not None:
                chosen.append(kept)
        return chosen

    def _votes(self, reading: Reading | None, senses: tuple[Sense, ...], around: Sequence[Found], given: str) -> float:
        """Votes of the seller's category and of what stands around for a meaning of a word that has these `senses`."""
        if reading is None:
            return 0.0
        # The word itself, wherever it stands, says nothing of which of its meanings it has.
        others = [other for other in around if other.senses != senses]
        votes = 0.0
        if reading.kind == "material" and any(other.readings[0].kind == "product" for other in others):
            votes += MADE_OF
        if given.partition(PATH_SEPARATOR)[0] in self._tops:
            votes += GIVEN * _likeness(reading.categories, (given,))
        for other in others:
            first = other.readings[0]
            if any((one.kind, one.key) == (reading.kind, reading.key) for one in other.readings) or first.brand == reading.key:
                votes += RELATED
            elif other.senses:
                continue
            elif (reading.kind, reading.key, first.key) in self._related:
                votes += RELATED
            elif first.categories:
                votes += _likeness(reading.categories, first.categories) * (1.0 if first.kind in _SURE else 0.5)
        return votes


def _chosen(text: str, word: Found, said: Sequence[float]) -> Found | None:
    """The word with the meaning that has most votes, those of its line's words with those that are `said` already."""
    votes = [one + _named(text, word, sense.beside) for one, sense in zip(said, word.senses, strict=True)]
    best = max(range(len(votes)), key=lambda place: (votes[place], -place))
    reading = word.senses[best].reading
    if reading is None:
        return None
    kept = reading if votes[best] <= 0 else reading._replace(ambiguous=False)
    others = [one for one in word.readings if one is not reading and not one.ambiguous and _is_of_one_thing(one, reading)]
    return word._replace(readings=(kept, *others))


def _named(text: str, word: Found, beside: Sequence[str]) -> float:
    """Votes of the words of the meaning's line that the text has outside the word itself; `0` at a word's start is any digit."""
    votes = 0.0
    for cue in beside:
        sought = cue.removeprefix("0")
        at = text.find(sought)
        while at >= 0:
            end = at + len(sought)
            is_counted = sought == cue or (at > 0 and text[at - 1].isdigit())
            is_own = at >= word.start and end <= word.end
            if is_counted and not is_own:
                votes += TOUCHING if end >= word.start and at <= word.end else NAMED
                break
            at = text.find(sought, at + 1)
    return votes


def _likeness(ours: Sequence[str], theirs: Sequence[str]) -> float:
    if not set(ours).isdisjoint(theirs):
        return SAME_CATEGORY
    tops = {key.split(PATH_SEPARATOR)[0] for key in ours}
    return SAME_TOP if any(key.split(PATH_SEPARATOR)[0] in tops for key in theirs) else OTHER_TOP


def _is_of_one_thing(one: Reading, other: Reading) -> bool:
    """Whether two readings are the same thing seen twice: `和田玉` is sold, and what a bangle is made of."""
    return one.key == other.key or not set(one.categories).isdisjoint(other.categories) or not one.categories
