"""A turn that may take minutes, in a thread of its own, so that the line of workers it belongs to goes on.

In: what is to be done. Out: turns that begin it and, later, raise what it raised.
"""

from collections.abc import Callable
from threading import Thread


class Beside:
    """One at a time. What is under way when the process ends ends with it, and is to bear that."""

    def __init__(self, name: str, turn: Callable[[], object]) -> None:
        self._name = name
        self._turn = turn
        self._thread: Thread | None = None
        self._failure: Exception | None = None

    def turn(self) -> bool:
        """Begins another turn if none is under way; never says that there is more to do. Raises what the last one raised."""
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        self._thread = Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()
        return False

    def _run(self) -> None:
        try:
            self._turn()
        except Exception as error:  # noqa: BLE001, the next turn raises it
            self._failure = error
