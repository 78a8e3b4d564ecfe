"""Tags titles with a trained net: features, emissions by ONNX Runtime, the best tags by Viterbi.

In: `ModelFiles` of kind `ner`, and titles. Out: spans, title by title, in characters of the title. Titles go through the net in batches of
similar length, so that little of a batch is padding.
"""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.encoders.session import Session
from smallpool_models.ner.features import Batch, Reader, Vocabulary
from smallpool_models.ner.tagging import Tagging
from smallpool_models.ner.titles import Place
from smallpool_models.ner.viterbi import Decoder, Transitions
from smallpool_models.registry.folder import ModelFiles, Tensor
from smallpool_models.understanding.segment import Segmenter

KIND = "ner"
SCHEMA = 1
READS = "vocabulary.json"
BATCH = 64
MOST_CHARACTERS = 1_000
"""Of a title are read; what stands beyond is left untagged."""
PARTS = ("emissions", "between", "start", "end")


class Reads(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `vocabulary.json`: the vocabulary, and the types of each head by the name of the set that it was trained on."""

    vocabulary: Vocabulary
    heads: dict[str, tuple[str, ...]]


def inputs_of() -> tuple[Tensor, ...]:
    """The graph's inputs, in the order of a `Batch`."""
    numbers = [Tensor(name, "tensor(int64)", 2) for name in ("characters", "left", "right", "shapes")]
    return (*numbers, Tensor("words", "tensor(float)", 3), Tensor("lengths", "tensor(int32)", 1))


def outputs_of(heads: int) -> tuple[Tensor, ...]:
    """The graph's outputs: of each head emissions, and its transitions as constants."""
    axes = dict(zip(PARTS, (3, 2, 1, 1), strict=True))
    return tuple(Tensor(f"{part}_{head}", "tensor(float)", axes[part]) for head in range(heads) for part in PARTS)


def _can_be_read(reads: Reads) -> bool:
    """Whether there is a head, and single characters and pairs are such, of the plane that features tell apart."""
    characters, pairs = reads.vocabulary.characters, reads.vocabulary.pairs
    known = [*characters, *"".join(pairs)]
    return bool(reads.heads) and all(len(pair) == 2 for pair in pairs) and all(len(one) == 1 and one <= "\uffff" for one in known)


class SpanTagger:
    """A net with its vocabulary and heads; tagging keeps no state. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles, segmenter: Segmenter) -> None:
        try:
            reads = msgspec.json.decode(files.files.get(READS, b""), type=Reads)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise files.refused(READS, str(error), "train the model again") from error
        if not _can_be_read(reads):
            raise files.refused(READS, "no head, or characters and pairs of another form", "train the model again")
        if files.manifest.inputs != inputs_of() or files.manifest.outputs != outputs_of(len(reads.heads)):
            raise files.refused("manifest.json", "inputs or outputs of another form", "train the model again with this smallpool")
        self.version = files.manifest.version
        self._classes = len(reads.vocabulary.classes)
        self._session = Session(files, _inputs(_nothing(self._classes)))
        self._reader = Reader(reads.vocabulary, segmenter)
        self._heads = {name: self._head(files, place, Tagging(types)) for place, (name, types) in enumerate(reads.heads.items())}

    def _head(self, files: ModelFiles, place: int, tagging: Tagging) -> tuple[str, Tagging, Decoder]:
        emissions, *transitions = (self._session.tried[f"{part}_{place}"] for part in PARTS)
        if any(set(part.shape) != {tagging.size} for part in (emissions[0, 0], *transitions)):
            found = f"outputs {place} of shape {emissions.shape}"
            raise files.refused("model.onnx", found, f"{len(tagging.types)} types take {tagging.size} tags; train the model again")
        return f"emissions_{place}", tagging, Decoder(tagging, Transitions(*transitions))

    @property
    def heads(self) -> dict[str, tuple[str, ...]]:
        """The types of each head."""
        return {name: tagging.types for name, (_, tagging, _) in self._heads.items()}

    def head_for(self, types: Collection[str]) -> str | None:
        """The head whose types are nearest to these (most shared, of all that either has); None where none shares any."""
        wanted = set(types)
        likeness = {name: len(wanted & set(own)) / len(wanted | set(own)) for name, own in self.heads.items()}
        best = max(likeness, key=lambda name: likeness[name])
        return best if likeness[best] else None

    def tag(self, texts: Sequence[str], head: str) -> list[list[Place]]:
        """The spans of each text, in order; the same for a text alone and among others."""
        output, tagging, decoder = self._heads[head]
        found: list[list[Place]] = [[] for _ in texts]
        order = sorted((place for place, text in enumerate(texts) if text), key=lambda place: len(texts[place]))
        for first in range(0, len(order), BATCH):
            places = order[first : first + BATCH]
            batch = self._reader.read([texts[place][:MOST_CHARACTERS] for place in places]).batch(np.arange(len(places)), self._classes)
            emissions = self._session.run([output], _inputs(batch))[0]
            for place, tags in zip(places, decoder.decode(emissions, batch.lengths.astype(np.int64)), strict=True):
                found[place] = tagging.decode(tags)
        return found


def _inputs(batch: Batch) -> dict[str, NDArray[Any]]:
    return {one.name: getattr(batch, one.name) for one in inputs_of()}


def _nothing(classes: int) -> Batch:
    numbers = np.zeros((1, 1), dtype=np.int64)
    return Batch(numbers, numbers, numbers, numbers, np.zeros((1, 1, 4 * classes), dtype=np.float32), np.ones(1, dtype=np.int32))
