"""Takes the net of items out of a model's folder, to go on from it.

In: a folder of kind `vectors`. Out: its vocabulary, and the net with its weights as they are served.
"""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from smallpool_models.encoders.items import ITEM_FORM, KIND, SCHEMA, vector_reads
from smallpool_models.registry.folder import read_model
from smallpool_models.training.vectors.item_network import ItemNetwork, ItemNetworkSettings
from smallpool_models.vectors.vocabulary import FIRST, NOTHING, VectorVocabulary

_TABLES = ("terms", "words", "ids")
_LAYERS = ("up", "down")


@torch.no_grad()
def read_items(folder: Path) -> tuple[VectorVocabulary, ItemNetwork]:
    """Raises `ModelRefused` where the folder holds no model of vectors."""
    files = read_model(folder, KIND, SCHEMA)
    reads = vector_reads(files)
    graph = onnx.load_model_from_string(files.files[ITEM_FORM.graph]).graph
    held = {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in graph.initializer}
    hidden = held["up_bias"].numel() if "up_bias" in held else 0
    settings = ItemNetworkSettings(width=reads.dimensions, hidden=hidden, ids=len(reads.vocabulary.ids) > 0)
    network = ItemNetwork(settings, reads.vocabulary)
    for name in _TABLES:
        getattr(network, name).weight.copy_(held[f"{name}_table"].float())
    network.term_weights[FIRST - 1 :] = torch.log(held["term_weights"][FIRST - 1 :])
    network.word_weights[FIRST - 1 :] = held["word_weights"][FIRST - 1 :]
    network.term_weights[NOTHING] = network.word_weights[NOTHING] = 0
    network.whole.copy_(held["whole"].reshape(-1))
    network.title_share.copy_(held["title_share"].reshape(()))
    for name in _LAYERS if hidden else ():
        layer = getattr(network, name)
        layer.weight.copy_(held[f"{name}_weight"].T)
        layer.bias.copy_(held[f"{name}_bias"])
    return reads.vocabulary, network
