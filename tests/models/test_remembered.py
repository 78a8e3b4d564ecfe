"""What is remembered is what the function says, and no more of it than is allowed."""

from smallpool_models.understanding.remembered import Remembered


def test_a_function_is_asked_once_for_each_argument() -> None:
    asked: list[str] = []
    lengths = Remembered[str, int](lambda word: asked.append(word) or len(word), 10)
    assert [lengths[word] for word in ("ab", "c", "ab")] == [2, 1, 2]
    assert asked == ["ab", "c"]


def test_no_more_is_remembered_than_allowed() -> None:
    squares = Remembered[int, int](lambda number: number**2, 3)
    assert [squares[number] for number in range(10)] == [number**2 for number in range(10)]
    assert len(squares) <= 3
