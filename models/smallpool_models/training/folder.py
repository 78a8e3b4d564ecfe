"""Writes a trained tagger as a model folder that `encoders.ner` opens.

In: what training left, and its card. Out: the folder, `manifest.json` last.
"""

from pathlib import Path

import msgspec

from smallpool_models.encoders.ner import KIND, READS, SCHEMA, Reads, inputs_of, outputs_of
from smallpool_models.encoders.session import GRAPH
from smallpool_models.registry.folder import Manifest, write_model
from smallpool_models.training.card import NerCard, card_files
from smallpool_models.training.export import to_onnx
from smallpool_models.training.ner import Trained


def write_ner(folder: Path, trained: Trained, card: NerCard) -> Manifest:
    """The folder's manifest; a model that lay there before is replaced."""
    reads = Reads(trained.vocabulary, {name: tagging.types for name, tagging in trained.heads.items()})
    files = {GRAPH: to_onnx(trained.network), READS: msgspec.json.encode(reads), **card_files(card)}
    return write_model(folder, KIND, SCHEMA, files, inputs_of(), outputs_of(len(trained.heads)))
