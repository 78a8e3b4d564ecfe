"""The edge at which the client's errors become ours.

In: a block that asks Elasticsearch. Out: what it gives, or `StoreUnavailable`, `StoreFull` or `StoreError` with a message that
says what was attempted, what was found and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from elastic_transport import ApiError, ConnectionError, ConnectionTimeout, SerializationError, TlsError, TransportError  # noqa: A004
from elasticsearch import UnsupportedProductError

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable

TOO_MANY = 429
_SERVER_ERRORS = 500
_BLOCKED = "cluster_block_exception"
_DISK = "the index is blocked against writes: make room on the nodes' disks, or lift the block; nothing was written"
_TRANSPORT: tuple[tuple[type[Exception], type[StoreError], str], ...] = (
    (TlsError, StoreUnavailable, "TLS failed: see that `ca_certs` signed the nodes' certificates"),
    (ConnectionTimeout, StoreUnavailable, "it answers too late: try again, and see how busy the cluster is"),
    (ConnectionError, StoreUnavailable, "it cannot be reached: see that it runs at this address"),
    (SerializationError, StoreError, "what was sent or came back is no JSON: see that the address is that of Elasticsearch itself"),
    (TransportError, StoreUnavailable, "the request failed on its way: try again"),
)
_STATUS = {
    401: "it does not know who asks: set `api_key`, or `username` and `password`",
    403: "this key or user may not do so: give it the rights to the indices of `prefix`",
    404: "there is no such index: run `smallpool stack init` first",
    408: "it answers too late: try again",
    413: "the request is too long for it: lower `bulk_bytes`, or raise http.max_content_length",
}


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns every error of the client inside the block into a `StoreError`; `operation` reads after "could not".

    Raises `StoreUnavailable` where trying again may help, `StoreFull` where disks are full or the index is read-only, else
    `StoreError`. Also around awaited calls.
    """
    try:
        yield
    except TransportError as exc:
        raise _of_transport(operation, exc) from exc
    except ApiError as exc:
        raise _of_answer(operation, exc) from exc


def unavailable(operation: str, found: str) -> StoreUnavailable:
    """The error of a question that got no whole answer in its time."""
    return StoreUnavailable(f"could not {operation}: Elasticsearch {found}; try again, and see how busy the cluster is")


def kind_of_status(status: int, error_type: str) -> type[StoreError]:
    """Which of our errors an answer's status and type of error mean."""
    if error_type == _BLOCKED and status < _SERVER_ERRORS:
        return StoreFull
    if status in (408, TOO_MANY) or status >= _SERVER_ERRORS:
        return StoreUnavailable
    return StoreError


def _of_transport(operation: str, exc: TransportError) -> StoreError:
    kind, remedy = next((kind, remedy) for vendor, kind, remedy in _TRANSPORT if isinstance(exc, vendor))
    return kind(f"could not {operation}: asking Elasticsearch failed with {exc}; {remedy}")


def _of_answer(operation: str, exc: ApiError) -> StoreError:
    if isinstance(exc, UnsupportedProductError):
        return StoreError(f"could not {operation}: what answers is not Elasticsearch; see `url`")
    status, kind = exc.meta.status, kind_of_status(exc.meta.status, exc.message)
    if kind is StoreFull:
        remedy = _DISK
    elif kind is StoreUnavailable:
        remedy = _STATUS.get(status, "the cluster is too busy or not whole: try again")
    else:
        remedy = _STATUS.get(status, "this is a defect of smallpool: please report it with this message")
    return kind(f"could not {operation}: Elasticsearch says {_said(exc)}; {remedy}")


def _said(exc: ApiError) -> str:
    error = exc.body.get("error") if isinstance(exc.body, dict) else None
    reason = error.get("reason") if isinstance(error, dict) else None
    return f"{exc.meta.status} {exc.message}" + (f": {str(reason)[:500]}" if reason else "")
