"""Tags of spans, and their best path: held to the plainest possible search."""

from itertools import pairwise, product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smallpool_models.ner.tagging import Tagging
from smallpool_models.ner.viterbi import Decoder, Transitions

TAGGING = Tagging(("brand", "product"))
SIZE = TAGGING.size


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, list[tuple[int, int, str]]]:
    cuts = sorted(draw(st.sets(st.integers(0, 12), max_size=8)))
    found = [(start, end, draw(st.sampled_from(TAGGING.types))) for start, end in pairwise(cuts) if draw(st.booleans())]
    return 12, found


@given(spans())
def test_spans_come_back_from_their_tags(drawn: tuple[int, list[tuple[int, int, str]]]) -> None:
    length, there = drawn
    tags = TAGGING.encode(length, there)
    assert TAGGING.decode(tags.tolist()) == there
    follows = TAGGING.follows()
    assert all(follows[first, second] for first, second in pairwise(tags))


def best_by_trying_all(emissions: np.ndarray, transitions: Transitions) -> float:
    follows = TAGGING.follows()
    best = -np.inf
    for tags in product(range(SIZE), repeat=len(emissions)):
        if tags[0] not in TAGGING.openers or tags[-1] >= TAGGING.closed:
            continue
        if all(follows[first, second] for first, second in pairwise(tags)):
            best = max(best, score_of(tags, emissions, transitions))
    return best


def score_of(tags: tuple[int, ...], emissions: np.ndarray, transitions: Transitions) -> float:
    moved = sum(transitions.between[first, second] for first, second in pairwise(tags))
    emitted = sum(emissions[place, tag] for place, tag in enumerate(tags))
    return float(transitions.start[tags[0]] + emitted + moved + transitions.end[tags[-1]])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_best_tags_are_those_of_trying_all(seed: int, lengths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    transitions = Transitions(*(rng.normal(size=shape).astype(np.float32) for shape in ((SIZE, SIZE), SIZE, SIZE)))
    emissions = rng.normal(size=(max(lengths), len(lengths), SIZE)).astype(np.float32)
    decoded = Decoder(TAGGING, transitions).decode(emissions, np.array(lengths))
    for title, length in enumerate(lengths):
        assert len(decoded[title]) == length
        there = emissions[:length, title]
        found = score_of(tuple(decoded[title]), there, transitions)
        assert np.isclose(found, best_by_trying_all(there, transitions), atol=1e-4)


def best_by_every_step(emissions: np.ndarray, transitions: Transitions, tagging: Tagging) -> list[int]:
    """Viterbi without any leaving out."""
    allowed = np.where(tagging.follows(), transitions.between, -np.inf).astype(np.float32)
    starts = np.isin(np.arange(tagging.size), tagging.openers)
    scores = np.where(starts, emissions[0] + transitions.start, -np.inf).astype(np.float32)
    came_from = []
    for emitted in emissions[1:]:
        reached = scores[:, None] + allowed
        came_from.append(reached.argmax(axis=0))
        scores = reached.max(axis=0) + emitted
    ends = np.where(np.arange(tagging.size) < tagging.closed, scores + transitions.end, -np.inf)
    tags = [int(ends.argmax())]
    for before in reversed(came_from):
        tags.append(int(before[tags[-1]]))
    return tags[::-1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 20), st.lists(st.integers(1, 25), min_size=1, max_size=5))
def test_tags_that_cannot_win_are_left_out_without_a_difference(seed: int, spread: float, lengths: list[int]) -> None:
    tagging = Tagging(("brand", "colour", "model", "product", "style"))
    rng = np.random.default_rng(seed)
    size = tagging.size
    transitions = Transitions(*(rng.normal(size=shape).astype(np.float32) for shape in ((size, size), size, size)))
    emissions = (spread * rng.normal(size=(max(lengths), len(lengths), size))).round(1).astype(np.float32)
    decoded = Decoder(tagging, transitions).decode(emissions, np.array(lengths))
    assert decoded == [best_by_every_step(emissions[:length, place], transitions, tagging) for place, length in enumerate(lengths)]
