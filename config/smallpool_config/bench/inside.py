"""How long threads are inside calls to others: to a server's client, or to a store.

In: classes or objects and names of their methods. Out: seconds by label, for as long as a block lasts.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from time import perf_counter
from typing import Any


class Inside:
    """Of all threads together. One call inside another of the same label and thread counts once."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._entered: set[tuple[int, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def calls(self, label: str, owner: object, *names: str) -> Iterator[None]:
        """Counts these methods of a class or of an object while the block lasts."""
        before = {name: getattr(owner, name) for name in names}
        for name, method in before.items():
            setattr(owner, name, self._timed(label, method))
        try:
            yield
        finally:
            for name, method in before.items():
                setattr(owner, name, method)

    def _timed(self, label: str, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            entry = (threading.get_ident(), label)
            if entry in self._entered:
                return method(*args, **kwargs)
            self._entered.add(entry)
            started = perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                with self._lock:
                    self.seconds[label] += perf_counter() - started
                self._entered.discard(entry)

        return timed
