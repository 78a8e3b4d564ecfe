"""The best rows under a cap are those that a full sort would give, however few of them are looked at."""

from random import Random

import numpy as np
import pytest

from smallpool_stores.memory.best import NOT_OPEN, Limits, best_under_cap


@pytest.mark.parametrize("seed", range(30))
def test_the_best_are_those_of_a_full_sort_with_ties_caps_exclusions_and_closed_rows(seed: int) -> None:
    draw = Random(seed)
    count = draw.choice((0, 1, 40, 900, 3_000))
    scores = np.array([draw.randrange(draw.choice((1, 5, 10_000))) for _ in range(count)], draw.choice((np.int32, np.int64)))
    kinds = np.array([draw.choice((NOT_OPEN, 0, draw.randrange(200))) for _ in range(count)], np.int32)
    item_ids = [f"{'件é👍a'[number % 4]}{number}" for number in draw.sample(range(count), count)]
    rows = np.array(draw.sample(range(count), count), np.int32)
    excluded = frozenset(draw.sample(item_ids, count // draw.choice((1, 2, 10))))
    limits = Limits(draw.choice((1, 3, 50)), draw.choice((0, 1, 25, 100)), excluded)
    best, is_all = best_under_cap(rows, scores, item_ids, kinds.take, limits)
    wanted = []
    taken = dict.fromkeys(kinds.tolist(), 0)
    for place in sorted(range(count), key=lambda place: (-scores[place], item_ids[rows[place]].encode())):
        kind = int(kinds[rows[place]])
        if kind != NOT_OPEN and item_ids[rows[place]] not in excluded and taken[kind] < limits.cap:
            taken[kind] += 1
            wanted.append(place)
    assert best.tolist() == wanted[: limits.limit]
    assert is_all == (len(wanted) <= limits.limit)


def test_scores_that_mislead_a_guess_do_not_change_the_best() -> None:
    scores = np.zeros(4_000, np.int64)
    scores[::8] = np.arange(500) + 10
    best, is_all = best_under_cap(
        np.arange(4_000, dtype=np.int32),
        scores,
        [f"i{number:04d}" for number in range(4_000)],
        lambda rows: rows,
        Limits(1, 600, frozenset()),
    )
    assert best[:500].tolist() == list(range(3_992, -1, -8))
    assert (len(best), is_all) == (600, False)
