"""Embeds what people type, with a trained net and ONNX Runtime: the `WordEncoder` of the service.

In: `ModelFiles` of kind `intent`, and texts. Out: unit vectors in the space of a model of items, or, of a model that was trained without
one, in a space of its own, in which titles stand by the same net.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.encoders.session import Session
from smallpool_models.intent.reading import PieceReader, Pieces, PieceVocabulary, sketched
from smallpool_models.registry.folder import ModelFiles, Tensor

KIND: Final = "intent"
SCHEMA: Final = 1
READS: Final = "vocabulary.json"
BATCH: Final = 256
LARGEST_SKETCH: Final = 1 << 16
OUTPUTS: Final = (Tensor("vectors", "tensor(float)", 2),)
_PIECES: Final = (Tensor("numbers", "tensor(int64)", 2), Tensor("weights", "tensor(float)", 2))
_SKETCH: Final = Tensor("sketch", "tensor(float)", 2)


class IntentReads(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `vocabulary.json`: the pieces, the coordinates of their sketch (0 for none), and the version of the model of items
    whose space this is, empty for a space of its own.
    """

    vocabulary: PieceVocabulary
    sketch: int
    space: str


def inputs_of(sketch: int) -> tuple[Tensor, ...]:
    """What the graph takes."""
    return (*_PIECES, _SKETCH) if sketch else _PIECES


class IntentEncoder:
    """A net with its vocabulary; encoding keeps no state. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles) -> None:
        try:
            reads = msgspec.json.decode(files.files.get(READS, b""), type=IntentReads)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise files.refused(READS, str(error), "train the model again") from error
        vocabulary = reads.vocabulary
        if len(vocabulary.pieces) != len(vocabulary.rarity) or not all(map(math.isfinite, (*vocabulary.rarity, vocabulary.unknown))):
            raise files.refused(READS, "a piece without its rarity", "train the model again")
        if not 0 <= reads.sketch <= LARGEST_SKETCH:
            raise files.refused(READS, f"a sketch of {reads.sketch} coordinates", f"at most {LARGEST_SKETCH}; train the model again")
        if files.manifest.inputs != inputs_of(reads.sketch) or files.manifest.outputs != OUTPUTS:
            raise files.refused("manifest.json", "inputs or outputs of another form", "train the model again with this smallpool")
        self.version = files.manifest.version
        self.space = reads.space
        self._sketch = reads.sketch
        self._reader = PieceReader(vocabulary)
        # the last piece of the vocabulary: a table that is too short for it is found out now and not by some query
        last = np.array([[len(vocabulary.pieces)]])
        self._session = Session(files, self._inputs(Pieces(last, np.ones((1, 1), dtype=np.float32), np.ones((1, 1), dtype=np.int64))))
        tried = self._session.tried["vectors"]
        if tried.ndim != 2 or tried.shape[0] != 1 or tried.shape[1] < 1:
            raise files.refused("model.onnx", f"vectors of shape {tried.shape}", "a row a text; train the model again")
        self.dimensions = int(tried.shape[1])

    @property
    def model(self) -> str:
        """The model of the space that the vectors are of."""
        return self.space or self.version

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(texts, dimensions), rows of unit length, of zeros for a text of which nothing is known; a text has the same vector alone and
        among others, to float32's rounding.
        """
        found = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for first in range(0, len(texts), BATCH):
            pieces = self._reader.read(texts[first : first + BATCH])
            found[first : first + BATCH] = self._session.run(["vectors"], self._inputs(pieces))[0]
        return found

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """For each text (d,) float32, little-endian, of unit length; empty for one of which nothing is known."""
        return [row.astype("<f4").tobytes() if row.any() else b"" for row in self.vectors(texts)]

    def _inputs(self, pieces: Pieces) -> dict[str, NDArray[Any]]:
        given: dict[str, NDArray[Any]] = {"numbers": pieces.numbers, "weights": pieces.weights}
        return {**given, "sketch": sketched(pieces, self._sketch)} if self._sketch else given
