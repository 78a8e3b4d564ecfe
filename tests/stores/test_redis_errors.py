"""Every error of the Redis client leaves as one of ours, which says what was wanted, of whom, what was found and what to do."""

import inspect
from contextlib import closing

import msgspec
import pytest
from redis import exceptions
from redis._parsers.base import BaseParser

from smallpool_core.errors import SettingsRefused, StoreError, StoreFull, StoreUnavailable
from smallpool_stores.redis.connection import RedisConnection
from smallpool_stores.redis.errors import REMEDIES, translated
from smallpool_stores.redis.settings import RedisSettings

CLASSES = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, Exception)]
FULL = {exceptions.OutOfMemoryError, exceptions.ReadOnlyError}
UNAVAILABLE = {
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.MaxConnectionsError,
    exceptions.ClusterDownError,
    exceptions.MasterDownError,
    exceptions.MovedError,
    exceptions.AskError,
    exceptions.TryAgainError,
    exceptions.ClusterError,
    exceptions.RedisClusterException,
    exceptions.SlotNotCoveredError,
    exceptions.WatchError,
    exceptions.InvalidResponse,
}


def made(kind: type[Exception], message: str = "said so") -> Exception:
    """An error of this class, whatever its constructor wants."""
    error = kind.__new__(kind)
    error.args = (message,)
    return error


def outcome(error: Exception) -> StoreError:
    with pytest.raises(StoreError) as caught, translated("read a thing", "here:1"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_of_the_client_is_translated(kind: type[Exception]) -> None:
    error = outcome(made(kind))
    assert str(error).startswith(f"could not read a thing: Redis at here:1 says {kind.__name__}: ")
    assert type(error) is (StoreFull if kind in FULL else StoreUnavailable if kind in UNAVAILABLE else StoreError)


def test_what_is_listed_is_still_a_class_of_the_client() -> None:
    assert set(REMEDIES) - set(CLASSES) == {msgspec.DecodeError}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("MISCONF Redis is configured to save RDB snapshots", StoreFull),
        ("NOREPLICAS Not enough good replicas to write.", StoreUnavailable),
        ("BUSY Redis is busy running a script.", StoreUnavailable),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", StoreError),
        ("ERR unknown command", StoreError),
        ("", StoreError),
    ],
)
def test_errors_without_a_class_are_told_by_their_first_word(message: str, expected: type[StoreError]) -> None:
    assert type(outcome(exceptions.ResponseError(message))) is expected


@pytest.mark.parametrize(
    ("reply", "kind", "expected"),
    [
        (b"MOVED 3999 127.0.0.1:6381", exceptions.MovedError, StoreUnavailable),
        (b"ASK 3999 127.0.0.1:6381", exceptions.AskError, StoreUnavailable),
        (b"TRYAGAIN Multiple keys request during rehashing of slot", exceptions.TryAgainError, StoreUnavailable),
        (b"CLUSTERDOWN The cluster is down", exceptions.ClusterDownError, StoreUnavailable),
        (b"CLUSTERDOWN Hash slot not served", exceptions.ClusterDownError, StoreUnavailable),
        (b"MASTERDOWN Link with MASTER is down", exceptions.MasterDownError, StoreUnavailable),
        (b"CROSSSLOT Keys in request don't hash to the same slot", exceptions.ClusterCrossSlotError, StoreError),
    ],
)
def test_what_a_server_of_a_cluster_answers_is_translated(reply: bytes, kind: type[Exception], expected: type[StoreError]) -> None:
    error = BaseParser.parse_error(reply.decode())
    assert type(error) is kind
    assert type(outcome(error)) is expected


def test_a_cluster_of_which_no_server_can_be_reached_is_unavailable() -> None:
    with closing(RedisConnection(RedisSettings(url="redis://127.0.0.1:1/0", cluster=True))) as connection:
        for call in (connection.servers_now, lambda: connection.read_now(("GET", "k"))):
            with pytest.raises(StoreUnavailable, match="Connection refused"), connection.translated("read a thing"):
                call()


def test_what_cannot_be_read_back_says_so() -> None:
    assert "is not what this version writes" in str(outcome(msgspec.ValidationError("Expected `int`")))


def test_an_address_that_is_none_is_refused_and_no_password_is_shown() -> None:
    with pytest.raises(SettingsRefused, match="redis://, rediss:// or unix://") as refused:
        RedisConnection(RedisSettings(url="http://ann:secret@host:1/0"))
    assert "secret" not in str(refused.value)
    assert RedisConnection(RedisSettings(url="redis://ann:secret@host:1/0")).where == "host:1"


def test_a_prefix_with_a_brace_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="prefix"):
        msgspec.convert({"prefix": "a{b"}, RedisSettings)
