"""Joins SQL conditions into AND/OR groups that stay within SQLite's parser stack (100) and expression depth (1,000).

In: conditions with their parameters. Out: one condition. Each group puts first the part that needs most of the parser's
stack, as a compiler orders operands to need few registers (Sethi and Ullman, 1970): then the stack grows by one for a level
of nesting, and by more only where a tree of at most a thousand leaves branches. Wide groups are cut into runs, which bounds
the depth of the left-deep tree that `a AND b AND c` becomes.
"""

from typing import Literal, NamedTuple

_RUN = 8
_LEAF_NEED = 16
"""Stack that the longest condition on one field takes, parentheses and subquery included; measured in the tests."""


class Piece(NamedTuple):
    """One condition; `need` is how much of the parser's stack reading it takes, at most."""

    text: str
    parameters: tuple[str | int | None, ...] = ()
    need: int = _LEAF_NEED
    joined_by: Literal["AND", "OR"] | None = None


def joined(word: Literal["AND", "OR"], parts: list[Piece]) -> Piece:
    """The parts, of which there are two or more, joined by `word`; their order and that of their parameters may change."""
    ranked = sorted(parts, key=lambda part: -part.need)
    if len(ranked) <= _RUN:
        return _chain(word, ranked)
    runs = [_chain(word, ranked[start : start + _RUN]) for start in range(1, len(ranked), _RUN)]
    return _chain(word, [ranked[0], *runs])


def _chain(word: Literal["AND", "OR"], parts: list[Piece]) -> Piece:
    if len(parts) == 1:
        return parts[0]
    # AND binds closer than OR, so only an AND inside an OR goes without parentheses.
    bare = [part.joined_by is None or (part.joined_by == "AND" and word == "OR") for part in parts]
    texts = [part.text if is_bare else f"({part.text})" for part, is_bare in zip(parts, bare, strict=True)]
    needs = [part.need + (not is_bare) + (2 if place else 0) for place, (part, is_bare) in enumerate(zip(parts, bare, strict=True))]
    parameters = tuple(value for part in parts for value in part.parameters)
    return Piece(f" {word} ".join(texts), parameters, max(needs), word)
