"""What a model of intent has learnt from, by hashes: it is judged by nothing of that.

In: tags and titles. Out: marks that lie in the model's folder; what of a file is left to judge by.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from smallpool_models.intent.split import mark_of
from smallpool_models.registry.folder import ModelFiles

LEARNT = "learnt.json"


class Learnt(Struct, frozen=True, forbid_unknown_fields=True):
    """Marks of the tags and titles of the last lesson, sorted; empty for generated ones."""

    tags: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()


def learnt_marks(tags: Iterable[str], titles: Iterable[str]) -> Learnt:
    """The marks of these."""
    return Learnt(tuple(sorted(map(mark_of, tags))), tuple(sorted(map(mark_of, titles))))


def read_learnt(files: ModelFiles) -> Learnt:
    """Those of a model; raises `ModelRefused` where they are not there."""
    try:
        return msgspec.json.decode(files.files.get(LEARNT, b""), type=Learnt)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise files.refused(LEARNT, str(error), "train the model again") from error
