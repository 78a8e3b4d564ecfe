"""Scores titles with a trained net and the nearest titles: the runs of characters that it knows, ONNX Runtime, titles that it remembers.

In: `ModelFiles` of kind `category` or `tags`, and titles. Out: scores (titles, labels), as `labels.deciding` reads them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from smallpool_models.encoders.session import Session
from smallpool_models.labels.deciding import Scores, Sureness, TagRule, given_tags, probabilities
from smallpool_models.labels.grams import GramReader, Grams, GramVocabulary
from smallpool_models.labels.nearest import NearestTitles, Remembered
from smallpool_models.registry.folder import ModelFiles, Tensor

CATEGORY = "category"
TAGS = "tags"
SCHEMA = 3
READS = "vocabulary.json"
REMEMBERED = "remembered.json"
BATCH = 64
INPUTS = (Tensor("numbers", "tensor(int64)", 2), Tensor("weights", "tensor(float)", 2))
OUTPUTS = (Tensor("scores", "tensor(float)", 2),)


class LabelReads(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in `vocabulary.json`: the runs, the labels in the order of the scores, and how scores are read."""

    vocabulary: GramVocabulary
    labels: tuple[str, ...]
    sureness: Sureness | None = None
    rule: TagRule | None = None


class LabelScorer:
    """A net with its vocabulary and labels; scoring keeps no state. Raises `ModelRefused` where the files do not fit each other."""

    def __init__(self, files: ModelFiles) -> None:
        try:
            self.reads = msgspec.json.decode(files.files.get(READS, b""), type=LabelReads)
            remembered = msgspec.json.decode(files.files.get(REMEMBERED, b""), type=Remembered)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise files.refused(f"{READS}, {REMEMBERED}", str(error), "train the model again") from error
        vocabulary, labels = self.reads.vocabulary, self.reads.labels
        if not labels or len(set(labels)) != len(labels) or len(vocabulary.grams) != len(vocabulary.rarity):
            raise files.refused(READS, "no label, one twice, or a run without its rarity", "train the model again")
        if files.manifest.inputs != INPUTS or files.manifest.outputs != OUTPUTS:
            raise files.refused("manifest.json", "inputs or outputs of another form", "train the model again with this smallpool")
        self.version = files.manifest.version
        if not remembered.fits(len(labels)):
            raise files.refused(REMEMBERED, "titles without a label, or of one that is none", "train the model again")
        self._reader = GramReader(vocabulary)
        self._nearest = NearestTitles(remembered, self._reader, len(labels))
        # the last run of the vocabulary: a table that is too short for it is found out now and not by some title
        self._session = Session(files, _inputs(Grams(np.array([[len(vocabulary.grams)]]), np.ones((1, 1), dtype=np.float32))))
        if self._session.tried["scores"].shape != (1, len(labels)):
            found = f"scores of shape {self._session.tried['scores'].shape}"
            raise files.refused("model.onnx", found, f"{len(labels)} labels take as many; train the model again")

    def scores(self, texts: Sequence[str]) -> Scores:
        """(titles, labels) float32; of a title alone and among others the same."""
        found = np.zeros((len(texts), len(self.reads.labels)), dtype=np.float32)
        for first in range(0, len(texts), BATCH):
            grams = self._reader.read(texts[first : first + BATCH])
            found[first : first + BATCH] = self._session.run(["scores"], _inputs(grams))[0] + self._nearest.votes(grams)
        return found


def _inputs(grams: Grams) -> dict[str, NDArray[Any]]:
    return {"numbers": grams.numbers, "weights": grams.weights}


class CategoryPredictor:
    """Names the likeliest category of titles and how sure that is."""

    def __init__(self, files: ModelFiles) -> None:
        self._scorer = LabelScorer(files)
        if self._scorer.reads.sureness is None:
            raise files.refused(READS, "no temperature", "train the model again")
        self._sureness = self._scorer.reads.sureness
        self.version = self._scorer.version
        self.labels = self._scorer.reads.labels

    @property
    def other_below(self) -> float:
        """What is less sure than this fits no category."""
        return self._sureness.other_below

    def predict(self, texts: Sequence[str]) -> list[tuple[str, float]]:
        """The likeliest category of each text and its calibrated confidence in [0, 1]."""
        if not texts:
            return []
        best, sure = self._sureness.likeliest(self._scorer.scores(texts))
        return [(self.labels[place], float(share)) for place, share in zip(best, sure, strict=True)]


class TagPredictor:
    """Names the tags of titles."""

    def __init__(self, files: ModelFiles) -> None:
        self._scorer = LabelScorer(files)
        rule = self._scorer.reads.rule
        if rule is None or len(rule.thresholds) != len(self._scorer.reads.labels):
            raise files.refused(READS, "no threshold for each tag", "train the model again")
        self._rule = rule
        self.version = self._scorer.version
        self.labels = self._scorer.reads.labels

    def predict(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """The tags of each text, the likeliest first."""
        if not texts:
            return []
        shares = probabilities(self._scorer.scores(texts))
        given = given_tags(shares, self._rule)
        found = []
        for row, own in zip(given, shares, strict=True):
            tags = np.flatnonzero(row)
            found.append(tuple(self.labels[tag] for tag in tags[np.argsort(-own[tags], kind="stable")]))
        return found
