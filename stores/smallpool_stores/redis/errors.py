"""The edge at which the errors of Redis, and of what is stored there, become ours.

In: a block that talks to Redis. Out: what it returns, or a `StoreError` that says what was attempted and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType

import msgspec
from redis import exceptions as redis

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable

Remedy = tuple[type[StoreError], str]

_AGAIN: Remedy = (StoreUnavailable, "try again; if it goes on, see that the server is up and can be reached from here")
_LATE: Remedy = (StoreUnavailable, "it did not answer in time: see what keeps it busy (SLOWLOG), or allow it more time")
_LOADING: Remedy = (StoreUnavailable, "it reads its data after a restart: try again in a moment")
_CROWDED: Remedy = (StoreUnavailable, "too many calls at once: try again, or allow more connections on both sides")
_CLUSTER: Remedy = (
    StoreUnavailable,
    "the cluster moves or lacks slots: try again; if it goes on, look at CLUSTER INFO, and see that `cluster` is set",
)
_MEMORY: Remedy = (StoreFull, "its memory is full: raise maxmemory or make room, nothing was written")
_READ_ONLY: Remedy = (StoreFull, "this server takes no writes: point the url to the primary, nothing was written")
_DISK: Remedy = (StoreFull, "it refuses writes because it cannot save them: see its log and disk, nothing was written")
_REPLICAS: Remedy = (StoreUnavailable, "too few of its replicas are up: try again, and look at INFO replication")
_ACCESS: Remedy = (StoreError, "set a user and password in the url that may run these commands on these keys")
_WRONG_TYPE: Remedy = (StoreError, "something else wrote under this prefix: choose another prefix, or remove those keys")
_DEFECT: Remedy = (StoreError, "this is a defect of smallpool: please report it with this message")
_UNREADABLE: Remedy = (StoreError, "what is stored is not what this version writes: erase this person, or choose another prefix")

# A class that is not listed is treated as the nearest of its ancestors that is.
REMEDIES: MappingProxyType[type[Exception], Remedy] = MappingProxyType(
    {
        redis.RedisError: _DEFECT,
        redis.RedisClusterException: _CLUSTER,
        redis.ChildDeadlockedError: _DEFECT,
        redis.IncorrectPolicyType: _DEFECT,
        redis.ConnectionError: _AGAIN,
        redis.TimeoutError: _LATE,
        redis.BusyLoadingError: _LOADING,
        redis.MaxConnectionsError: _CROWDED,
        redis.AuthenticationError: _ACCESS,
        redis.AuthorizationError: _ACCESS,
        redis.ExternalAuthProviderError: _ACCESS,
        redis.NoPermissionError: _ACCESS,
        redis.AuthenticationWrongNumberOfArgsError: _ACCESS,
        redis.OutOfMemoryError: _MEMORY,
        redis.ReadOnlyError: _READ_ONLY,
        redis.ClusterError: _CLUSTER,
        redis.AskError: _CLUSTER,
        redis.TryAgainError: _CLUSTER,
        redis.WatchError: _AGAIN,
        redis.InvalidResponse: _AGAIN,
        redis.CrossSlotTransactionError: _DEFECT,
        redis.InvalidPipelineStack: _DEFECT,
        msgspec.DecodeError: _UNREADABLE,
    }
)

# Errors for which the client has no class of its own, by the word with which the server's message begins.
_WORDS: MappingProxyType[str, Remedy] = MappingProxyType(
    {
        "MISCONF": _DISK,
        "NOREPLICAS": _REPLICAS,
        "BUSY": _LATE,
        "WRONGTYPE": _WRONG_TYPE,
        "UNBLOCKED": _AGAIN,
    }
)


def remedy_of(error: Exception) -> Remedy:
    """What kind of `StoreError` this is, and what to do about it."""
    word = str(error).partition(" ")[0]
    if isinstance(error, redis.ResponseError) and word in _WORDS:
        return _WORDS[word]
    return next(REMEDIES[kind] for kind in type(error).__mro__ if kind in REMEDIES)


@contextmanager
def translated(operation: str, where: str) -> Iterator[None]:
    """Turns every error of Redis inside the block into a `StoreError`; `operation` reads after "could not".

    Raises `StoreUnavailable` where trying again may help, `StoreFull` where nothing can be written, else `StoreError`.
    """
    try:
        yield
    except tuple(REMEDIES) as exc:
        kind, remedy = remedy_of(exc)
        raise kind(f"could not {operation}: Redis at {where} says {type(exc).__name__}: {exc}; {remedy}") from exc
