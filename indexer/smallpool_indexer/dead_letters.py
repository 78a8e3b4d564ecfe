"""What could not be taken in, as it is kept: in goes a log record and its rejection, out comes a `DeadLetter`."""

from hashlib import sha256

from smallpool_core.items import DeadLetter
from smallpool_core.ports import LogRecord
from smallpool_core.row_reader import Rejection

KEPT_BYTES = 64 * 1024


def dead_letter(record: LogRecord, rejection: Rejection, now: int, attempts: int = 1) -> DeadLetter:
    """The letter; of a message above 64 KB the digest, the size and the first 64 KB are kept."""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value[:KEPT_BYTES],
        size=len(record.value),
        digest=sha256(record.value).hexdigest(),
        field=rejection.field,
        reason=rejection.message,
        attempts=attempts,
        at=now,
    )
