"""The edge at which errors of the Kafka client become ours.

In: whatever the client raises inside `translated`. Out: a `StoreError` whose message says what was attempted and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors as vendor

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable

OUSTED: tuple[type[Exception], ...] = (
    vendor.ProducerFencedError,
    vendor.InvalidProducerEpochError,
    vendor.InvalidProducerIdMappingError,
    vendor.FencedInstanceIdError,
    vendor.TransactionCoordinatorFencedError,
)
"""Another process has taken over what this one wrote."""

Kind = type[StoreError]

_TOPICS = "make the topics with `smallpool stack init`, and look at `smallpool doctor`"
_ACCESS = "see that the credentials in the settings are right and that this user may read, write and commit here"
_OTHER_OWNER = "another process took the partition over, and this one goes on with those that it is left"
_AGAIN = "try again, and see that the brokers answer"

# The first that fits decides, so the particular stands before the general.
_REMEDIES: tuple[tuple[tuple[type[Exception], ...], Kind, str], ...] = (
    (OUSTED, StoreUnavailable, _OTHER_OWNER),
    (
        (
            vendor.CommitFailedError,
            vendor.IllegalGenerationError,
            vendor.UnknownMemberIdError,
            vendor.RebalanceInProgressError,
            vendor.MemberIdRequiredError,
            vendor.FencedMemberEpochError,
            vendor.StaleMemberEpochError,
        ),
        StoreUnavailable,
        _OTHER_OWNER,
    ),
    (
        (
            vendor.TransactionAbortedError,
            vendor.TransactionAbortableError,
            vendor.InvalidTxnStateError,
            vendor.OutOfOrderSequenceNumberError,
            vendor.UnknownProducerIdError,
        ),
        StoreUnavailable,
        "the transaction was undone: what it held is taken again",
    ),
    ((vendor.KafkaStorageError, vendor.LogDirNotFoundError), StoreFull, "a broker's disk failed or is full: look at the brokers' log"),
    ((vendor.UnknownTopicOrPartitionError, vendor.UnknownTopicIdError, vendor.InvalidTopicError), StoreUnavailable, _TOPICS),
    (
        (vendor.MessageSizeTooLargeError, vendor.RecordListTooLargeError),
        StoreError,
        "the record is larger than the topic takes: send a smaller one, or raise max_message_mb and max.message.bytes",
    ),
    (
        (
            vendor.AuthorizationError,
            vendor.SaslAuthenticationFailedError,
            vendor.UnsupportedSaslMechanismError,
            vendor.IllegalSaslStateError,
            vendor.SecurityDisabledError,
        ),
        StoreError,
        _ACCESS,
    ),
    ((vendor.KafkaConfigurationError, vendor.InvalidConfigurationError), StoreError, "correct the settings of the section kafka"),
    (
        (vendor.UnsupportedVersionError, vendor.UnrecognizedBrokerVersion, vendor.UnsupportedForMessageFormatError),
        StoreError,
        "the brokers must be Kafka 2.5 or later",
    ),
    (
        (vendor.InvalidReplicationFactorError,),
        StoreError,
        "there are fewer brokers than copies: lower replication, or add brokers",
    ),
    ((vendor.BrokerNotAvailableError, vendor.UnknownBrokerIdError), StoreUnavailable, _AGAIN),
    ((vendor.QuotaViolationError,), StoreUnavailable, "the brokers hold this user to a quota: try again later, or raise it"),
)
_CLOSED = "NetworkSelector closed"
"""What the client says, in a plain RuntimeError, when one thread asks while another closes."""
_UNFORESEEN = (StoreError, "this is a defect of smallpool, or of its settings: please report it with this message")


def translation(exc: Exception, operation: str) -> StoreError:
    """The error of ours for one of the client's; `operation` reads after "could not"."""
    kind, remedy = _remedy(exc)
    return kind(f"could not {operation}: Kafka says {exc}; {remedy}")


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns every error of the client inside the block into a `StoreError`; `operation` reads after "could not".

    Raises `StoreUnavailable` where trying again may help, `StoreFull` where a broker's disk failed, else `StoreError`.
    """
    try:
        yield
    except vendor.KafkaError as exc:
        raise translation(exc, operation) from exc
    except RuntimeError as exc:
        if _CLOSED not in str(exc):
            raise
        raise StoreUnavailable(f"could not {operation}: the connection was closed meanwhile; try again") from exc


def _remedy(exc: Exception) -> tuple[Kind, str]:
    for kinds, kind, remedy in _REMEDIES:
        if isinstance(exc, kinds):
            return kind, remedy
    # The client wraps what failed earlier in the bare root of its tree.
    if getattr(exc, "retriable", False) or type(exc) is vendor.KafkaError:
        return StoreUnavailable, _AGAIN
    return _UNFORESEEN
