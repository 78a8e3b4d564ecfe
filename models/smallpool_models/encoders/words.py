"""Embeds what people type, with a trained net and ONNX Runtime: the `WordEncoder` of the service.

In: `ModelFiles` of kind `intent`, and texts. Out: unit vectors in the space of a model of items, or, of a model that was trained without
one, in a space of its own, in which titles stand by the same net; what a title holds is weighed otherwise than what a query asks for.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.encoders.session import Session
from smallpool_models.intent.matching import Matcher
from smallpool_models.intent.reading import PieceReader, PieceVocabulary
from smallpool_models.registry.folder import ModelFiles, Tensor

KIND: Final = "intent"
SCHEMA: Final = 1
READS: Final = "vocabulary.json"
BATCH: Final = 256
LARGEST_SKETCH: Final = 1 << 16
OUTPUTS: Final = (Tensor("vectors", "tensor(float)", 2),)
_PIECES: Final = (Tensor("numbers", "tensor(int64)", 2), Tensor("weights", "tensor(float)", 2))
_MATCHED: Final = Tensor("matched", "tensor(float)", 2)
_Matched = Callable[[Sequence[str]], NDArray[np.float32]]


class IntentReads(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `vocabulary.json`: the pieces, the coordinates of what is matched (0 for none), and the version of the model of
    items whose space this is, empty for a space of its own.
    """

    vocabulary: PieceVocabulary
    sketch: int
    space: str


def inputs_of(sketch: int) -> tuple[Tensor, ...]:
    """What the graph takes."""
    return (*_PIECES, _MATCHED) if sketch else _PIECES


class IntentEncoder:
    """A net with its vocabulary; encoding keeps no state. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles) -> None:
        try:
            reads = msgspec.json.decode(files.files.get(READS, b""), type=IntentReads)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise files.refused(READS, str(error), "train the model again") from error
        vocabulary = reads.vocabulary
        numbers = (*vocabulary.rarity, vocabulary.unknown, vocabulary.typical)
        if len(vocabulary.pieces) != len(vocabulary.rarity) or not all(map(math.isfinite, numbers)):
            raise files.refused(READS, "a piece without its rarity", "train the model again")
        if not 0 <= reads.sketch <= LARGEST_SKETCH:
            raise files.refused(READS, f"a sketch of {reads.sketch} coordinates", f"at most {LARGEST_SKETCH}; train the model again")
        if reads.sketch and vocabulary.typical <= 0:
            raise files.refused(READS, f"titles of {vocabulary.typical} characters", "train the model again with this smallpool")
        if files.manifest.inputs != inputs_of(reads.sketch) or files.manifest.outputs != OUTPUTS:
            raise files.refused("manifest.json", "inputs or outputs of another form", "train the model again with this smallpool")
        self.version = files.manifest.version
        self.space = reads.space
        self._matcher = Matcher(vocabulary, reads.sketch) if reads.sketch else None
        self._reader = PieceReader(vocabulary)
        # the last piece of the vocabulary: a table that is too short for it is found out now and not by some query
        last: dict[str, NDArray[Any]] = {"numbers": np.array([[len(vocabulary.pieces)]]), "weights": np.ones((1, 1), dtype=np.float32)}
        matched = {"matched": np.zeros((1, reads.sketch + 1), dtype=np.float32)} if reads.sketch else {}
        self._session = Session(files, last | matched)
        tried = self._session.tried["vectors"]
        if tried.ndim != 2 or tried.shape[0] != 1 or tried.shape[1] < 1:
            raise files.refused("model.onnx", f"vectors of shape {tried.shape}", "a row a text; train the model again")
        self.dimensions = int(tried.shape[1])

    @property
    def model(self) -> str:
        """The model of the space that the vectors are of."""
        return self.space or self.version

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What texts ask for: (texts, dimensions), rows of unit length, of zeros for a text of which nothing is known; a text has the same
        vector alone and among others, to float32's rounding.
        """
        return self._vectors(texts, None if self._matcher is None else self._matcher.asked)

    def title_vectors(self, titles: Sequence[str]) -> NDArray[np.float32]:
        """Where titles stand in a space of the encoder's own: as `vectors`, and, without a matching part, the same."""
        return self._vectors(titles, None if self._matcher is None else self._matcher.titled)

    def encode(self, texts: Sequence[str]) -> list[bytes]:
        """For each text (d,) float32, little-endian, of unit length; empty for one of which nothing is known."""
        return [row.astype("<f4").tobytes() if row.any() else b"" for row in self.vectors(texts)]

    def _vectors(self, texts: Sequence[str], matched: _Matched | None) -> NDArray[np.float32]:
        found = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for first in range(0, len(texts), BATCH):
            some = texts[first : first + BATCH]
            pieces = self._reader.read(some)
            given: dict[str, NDArray[Any]] = {"numbers": pieces.numbers, "weights": pieces.weights}
            if matched is not None:
                given["matched"] = matched(some)
            found[first : first + BATCH] = self._session.run(["vectors"], given)[0]
        return found
