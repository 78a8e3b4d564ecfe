"""What a function gives for the arguments that come again and again, such as words and pairs of characters.

In: a pure function of one argument. Out: a mapping that is filled as it is asked.
"""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """`remembered[argument]`; of more than `most` arguments it forgets all and begins anew, so that its memory is bounded.

    Safe for threads: at worst two of them work out the same.
    """

    def __init__(self, function: Callable[[K], V], most: int) -> None:
        super().__init__()
        self._function = function
        self._most = most

    def __missing__(self, argument: K) -> V:
        if len(self) >= self._most:
            self.clear()
        value = self[argument] = self._function(argument)
        return value
