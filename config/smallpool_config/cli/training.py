"""How a training looks from the command line: a bar on stderr, and which extra to install where its packages are missing.

In: what trains. Out: what it returns.
"""

from collections.abc import Callable
from typing import TypeVar

from smallpool_config.cli.screen import progress
from smallpool_core.errors import SmallpoolError

C = TypeVar("C")


def with_progress(train: Callable[[Callable[[str, int, int], None]], C], *, shown: bool) -> C:
    """What `train` returns, which is told whom to tell what it does and how much of it is done."""
    with progress("training", shown=shown) as show:
        try:
            return train(lambda _doing, done, total: show(done, total))
        except ModuleNotFoundError as exc:
            raise SmallpoolError(f"training needs the package {exc.name}: pip install 'smallpool[train]'") from exc
