"""Strings as small integers, counted by use, so that a string that nothing uses any more gives its number back.

In: the strings of rows as they come and go. Out: numbers that index arrays. Not safe for threads by itself.
"""

from collections.abc import Iterable


class Interned:
    """Numbers for strings, from `first` up; the numbers in use stay as dense as the most that were ever in use at once."""

    def __init__(self, first: int = 0) -> None:
        self.names: list[str] = [""] * first
        self._uses: list[int] = [0] * first
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        """One more than the largest number ever given: the length of an array indexed by number."""
        return len(self.names)

    def take(self, name: str) -> int:
        """The number of `name`, used once more than before."""
        number = self._numbers.get(name)
        if number is None:
            return self._new(name)
        self._uses[number] += 1
        return number

    def take_all(self, names: Iterable[str]) -> list[int]:
        """`take` of each."""
        known, uses = self._numbers.get, self._uses
        numbers = []
        for name in names:
            number = known(name)
            if number is None:
                number = self._new(name)
            else:
                uses[number] += 1
            numbers.append(number)
        return numbers

    def give_back(self, number: int) -> bool:
        """Ends one use; says whether it was the last, after which the number may come to stand for another string."""
        self._uses[number] -= 1
        if self._uses[number]:
            return False
        del self._numbers[self.names[number]]
        self.names[number] = ""
        self._free.append(number)
        return True

    def find(self, name: str) -> int | None:
        """The number of `name`, None while nothing uses it."""
        return self._numbers.get(name)

    def _new(self, name: str) -> int:
        if self._free:
            number = self._free.pop()
            self.names[number] = name
            self._uses[number] = 1
        else:
            number = len(self.names)
            self.names.append(name)
            self._uses.append(1)
        self._numbers[name] = number
        return number
