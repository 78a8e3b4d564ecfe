"""Settings of the write path: sizes of batches, and how long things are kept."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]


class IndexerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of the write path.

    batch_size: item events a batch. Unless it is set, 64 where a batch holds the one write lock of a file, and 256 where it is a
    transaction of Kafka, which costs as much however few events it has; a batch is recallable only when all of it is recorded.
    assistants: further processes that help to understand listings while a backlog of them is taken in, each with some 250 MB and a core of
    its own. Unless it is set, one less than there are cores, and at most 3; 0 for none.
    user_batch_size: user events a batch; small, because its transaction holds the store's one write lock.
    tail_size: records of the wide table indexed in one go.
    backfill_page: items re-tagged between two batches of listings. survey_from: this many untagged pools are tagged by one
    survey of all items instead of a scan each; survey_page: items of it between two batches of listings.
    sweep_size: expired, and as many old removals, taken up by one sweep.
    rescore_size: places of the ranking of popular items that are compared with the scores of these items once a minute.
    tombstone_keep_s: how long a removed item keeps its fields. log_keep_s: how long a consumed log record is kept.
    """

    batch_size: Positive | None = None
    assistants: Annotated[int, Meta(ge=0)] | None = None
    user_batch_size: Positive = 32
    tail_size: Positive = 1_000
    backfill_page: Positive = 256
    survey_from: Positive = 32
    survey_page: Positive = 128
    sweep_size: Positive = 500
    rescore_size: Positive = 1_000
    tombstone_keep_s: Positive = 30 * 86_400
    log_keep_s: Positive = 7 * 86_400
