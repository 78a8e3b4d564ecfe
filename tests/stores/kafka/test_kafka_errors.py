"""No error of the Kafka client passes the edge."""

import pytest
from kafka import errors as vendor

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_stores.kafka.errors import OUSTED, translated


def every_error() -> list[type[Exception]]:
    found: list[type[Exception]] = []
    waiting: list[type[Exception]] = [vendor.KafkaError]
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return sorted(set(found), key=lambda kind: kind.__name__)


def made(kind: type[Exception]) -> Exception:
    return kind({}) if kind is vendor.LogTruncationError else kind()


def raised(kind: type[Exception]) -> StoreError:
    with pytest.raises(StoreError) as caught, translated("append to item-events"):
        raise made(kind)
    return caught.value


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_of_the_client_becomes_one_of_ours_that_names_what_was_attempted(kind: type[Exception]) -> None:
    error = raised(kind)
    assert str(error).startswith("could not append to item-events: Kafka says ")
    assert "; " in str(error)
    assert isinstance(error.__cause__, kind)


@pytest.mark.parametrize("kind", [kind for kind in every_error() if kind.retriable], ids=lambda kind: kind.__name__)
def test_what_may_be_tried_again_is_unavailable_unless_a_disk_failed(kind: type[Exception]) -> None:
    assert isinstance(raised(kind), StoreFull if issubclass(kind, vendor.KafkaStorageError) else StoreUnavailable)


@pytest.mark.parametrize("kind", OUSTED, ids=lambda kind: kind.__name__)
def test_a_process_that_was_shut_out_is_told_that_it_goes_on(kind: type[Exception]) -> None:
    error = raised(kind)
    assert isinstance(error, StoreUnavailable)
    assert "another process" in str(error)


def test_a_refused_user_is_told_of_credentials_and_not_to_try_again() -> None:
    error = raised(vendor.TopicAuthorizationFailedError)
    assert type(error) is StoreError
    assert "credentials" in str(error)


def test_errors_that_are_not_the_clients_pass() -> None:
    with pytest.raises(KeyError), translated("append"):
        raise KeyError("x")
