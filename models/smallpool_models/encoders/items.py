"""Embeds items with a trained net, by ONNX Runtime; what the two nets of a folder of vectors share stands here too.

In: `ModelFiles` of kind `vectors`, and what is known of items. Out: (d,) float32 of unit length each.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_core.encoder_ports import Parts
from smallpool_models.encoders.session import Form, Session
from smallpool_models.registry.folder import ModelFiles, Tensor
from smallpool_models.vectors.vocabulary import TERMS_READ, WORDS_READ, ItemNumbers, ItemReader, VectorVocabulary

KIND: Final = "vectors"
SCHEMA: Final = 1
READS: Final = "vocabulary.json"
BATCH: Final = 32
"""Items that go through the net together, always as many: the kernels that multiply, and so the last bits, depend on the number of rows."""
ITEM_FORM: Final = Form(
    "items.onnx",
    (Tensor("terms", "tensor(int64)", 2), Tensor("words", "tensor(int64)", 2), Tensor("ids", "tensor(int64)", 1)),
    (Tensor("vectors", "tensor(float)", 2),),
)
USER_FORM: Final = Form(
    "user.onnx",
    (
        Tensor("touched", "tensor(float)", 2),
        Tensor("touched_weights", "tensor(float)", 1),
        Tensor("known", "tensor(float)", 2),
        Tensor("known_weights", "tensor(float)", 1),
        Tensor("profile", "tensor(float)", 1),
    ),
    (Tensor("interests", "tensor(float)", 2),),
)


class VectorReads(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `vocabulary.json`: the vocabulary, d, K, and what cosines were multiplied by in training."""

    vocabulary: VectorVocabulary
    dimensions: int
    interests: int
    scale: float


def vector_reads(files: ModelFiles) -> VectorReads:
    """Raises `ModelRefused` where the file is not of that form or the manifest promises other graphs."""
    try:
        reads = msgspec.json.decode(files.files.get(READS, b""), type=VectorReads)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise files.refused(READS, str(error), "train the model again") from error
    vocabulary = reads.vocabulary
    if len(vocabulary.terms) != len(vocabulary.term_rarity) or len(vocabulary.words) != len(vocabulary.word_rarity):
        raise files.refused(READS, "a term or word without its rarity", "train the model again")
    if reads.dimensions < 1 or reads.interests < 1 or not reads.scale > 0:
        raise files.refused(READS, f"{reads.dimensions} dimensions, {reads.interests} interests", "train the model again")
    promised = (files.manifest.inputs, files.manifest.outputs)
    if promised != (ITEM_FORM.inputs + USER_FORM.inputs, ITEM_FORM.outputs + USER_FORM.outputs):
        raise files.refused("manifest.json", "inputs or outputs of another form", "train the model again with this smallpool")
    return reads


class OnnxItemEncoder:
    """The `ItemEncoder` of a folder. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles) -> None:
        reads = vector_reads(files)
        self.model = files.manifest.version
        self.dimensions = reads.dimensions
        self._reader = ItemReader(reads.vocabulary)
        # the last of each: a table that is too short for it is found out now and not by some item
        last = np.array(reads.vocabulary.sizes, dtype=np.int64) - 1
        tried = ItemNumbers(np.full((1, TERMS_READ), last[0]), np.full((1, WORDS_READ), last[1]), last[2:])
        self._session = Session(files, _inputs(tried), ITEM_FORM)
        if self._session.tried["vectors"].shape != (BATCH, self.dimensions):
            found = f"vectors of shape {self._session.tried['vectors'].shape}"
            raise files.refused(ITEM_FORM.graph, found, f"{self.dimensions} dimensions are told; train the model again")

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        """As the port says."""
        found: list[bytes] = []
        for start in range(0, len(items), BATCH):
            numbers = self._reader.read(items[start : start + BATCH])
            rows = self._session.run(["vectors"], _inputs(numbers))[0].astype("<f4")
            found += [
                row.tobytes() if known and row.any() else b"" for row, known in zip(rows[: len(numbers.ids)], numbers.known, strict=True)
            ]
        return found


def _inputs(numbers: ItemNumbers) -> dict[str, NDArray[Any]]:
    """Filled up to a whole batch with items that have nothing."""
    missing = BATCH - len(numbers.ids)
    return {
        "terms": np.pad(numbers.terms, ((0, missing), (0, 0))),
        "words": np.pad(numbers.words, ((0, missing), (0, 0))),
        "ids": np.pad(numbers.ids, (0, missing)),
    }
