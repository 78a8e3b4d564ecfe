"""The edge at which DuckDB's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns every error of DuckDB inside the block into a `StoreError`; `operation` reads after "could not"."""
    try:
        yield
    except duckdb.OutOfMemoryException as exc:
        raise StoreFull(f"could not {operation}: {exc}; raise relations.memory_mb, or make room in the temporary directory") from exc
    except duckdb.IOException as exc:
        raise StoreUnavailable(f"could not {operation}: {exc}; see that the temporary directory can be written and has room") from exc
    except duckdb.Error as exc:
        raise StoreError(f"could not {operation}: {exc}; this is a defect of smallpool: please report it with this message") from exc
