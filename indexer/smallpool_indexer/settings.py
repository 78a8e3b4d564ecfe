"""Settings of the write path: sizes of batches, and how long things are kept."""

from msgspec import Struct


class IndexerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds of the write path.

    batch_size: item events a batch; small, because a batch is recallable only when all of it is recorded.
    user_batch_size: user events a batch; small, because its transaction holds the store's one write lock.
    tail_size: records of the wide table indexed in one go.
    backfill_page: items re-tagged between two batches of listings. survey_from: this many untagged pools are tagged by one
    survey of all items instead of a scan each; survey_page: items of it between two batches of listings.
    sweep_size: expired, and as many old removals, taken up by one sweep.
    rescore_size: places of the ranking of popular items that one sweep compares with the scores of these items.
    tombstone_keep_s: how long a removed item keeps its fields. log_keep_s: how long a consumed log record is kept.
    """

    batch_size: int = 64
    user_batch_size: int = 32
    tail_size: int = 1_000
    backfill_page: int = 256
    survey_from: int = 32
    survey_page: int = 128
    sweep_size: int = 500
    rescore_size: int = 1_000
    tombstone_keep_s: int = 30 * 86_400
    log_keep_s: int = 7 * 86_400
