"""Behaviour as an evaluation reads it: what is counted, who is asked, what a history becomes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from smallpool_core.encoder_ports import Parts
from smallpool_models.evaluation.asked import catalogue_of, questions_of, rarities, sequences_of, tokens_from, vectors_of
from smallpool_models.vectors.behaviour import read_sequences
from smallpool_models.vectors.ragged import ragged


def test_nothing_that_is_counted_holds_the_target_of_a_test_or_of_validation(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_text("".join(f"{user} {' '.join(str(10 * user + step) for step in range(1, 8))}\n" for user in range(1, 6)))
    behaviour = read_sequences(file, None)
    counted = {int(item) for sequence in sequences_of(behaviour.train) for item in sequence}
    test, dev = questions_of(behaviour.test), questions_of(behaviour.dev)
    assert counted.isdisjoint({*test.targets.tolist(), *dev.targets.tolist()})
    assert [behaviour.items[target].item_id for target in test.targets] == [f"{10 * user + 7}" for user in range(1, 6)]
    assert [one[-1] for one in test.histories] == dev.targets.tolist(), "what came before the test is known by then"


def test_what_lies_on_two_sides_of_a_break_is_no_sequence() -> None:
    told = sequences_of(ragged([[3, 1, 0, 2, 5], [0, 4], []]))
    assert [one.tolist() for one in told] == [[2, 0], [1, 4], [3]]


def test_a_row_of_one_item_asks_nothing() -> None:
    asked = questions_of(ragged([[4], [1, 2, 3]]))
    assert [one.tolist() for one in asked.histories] == [[0, 1]]
    assert asked.targets.tolist() == [2]


class ByLength:
    """Embeds an item whose id is short."""

    model = "m"
    dimensions = 2

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        return [np.array([0.6, 0.8], dtype="<f4").tobytes() if len(one.item_id) == 1 else b"" for one in items]


def test_items_without_a_vector_are_rows_of_zeros_and_no_tokens() -> None:
    vectors = vectors_of(ByLength(), [Parts(item_id="a"), Parts(item_id="bb"), Parts(item_id="c")])
    assert vectors == pytest.approx(np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]]))
    tokens = tokens_from(vectors)(np.array([0, 1, 2], dtype=np.int32))
    assert [token.horizon for token in tokens] == ["short", "short"]
    assert tokens[0].age_s > tokens[1].age_s == 0, "the last is the newest"


def test_an_item_is_of_its_category_or_where_there_is_none_of_its_most_frequent_term() -> None:
    assert list(catalogue_of([Parts(category="tea"), Parts(), Parts(category="cups")]).categories) == [0, -1, 1]
    by_term = catalogue_of([Parts(terms=("tag:a", "tag:b")), Parts(terms=("tag:b",)), Parts(item_id="7", title_words=("茶", "饼"))])
    assert [by_term.kind(item) for item in range(3)] == ["tag:b", "tag:b", "–"]
    assert by_term.names[2] == "7 茶 饼"


def test_what_few_items_have_says_more_of_them() -> None:
    both = Parts(terms=("tag:a", "tag:b"))
    found = rarities([both, Parts(terms=("tag:a",)), both, Parts(), Parts(category="c")])
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1, 1, 0, 1])
    common, rare = found[0][:2]
    assert 0 < common < rare
    assert found[0] @ found[2] == pytest.approx(1)
    assert found[4] @ found[0] == 0
