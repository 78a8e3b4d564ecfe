"""Writes a trained net of intent as an ONNX graph, node by node, and its folder.

In: a `TrainedIntent`. Out: the bytes of a graph that computes the same vectors to 1e-4, and a folder that `encoders.words` opens. The table
is kept in 16 bits.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from onnx import TensorProto

from smallpool_models.encoders.session import GRAPH
from smallpool_models.encoders.words import KIND, OUTPUTS, READS, SCHEMA, IntentReads, inputs_of
from smallpool_models.intent.learnt import LEARNT, Learnt
from smallpool_models.registry.folder import Manifest, write_model
from smallpool_models.training.graph import Graph
from smallpool_models.training.intent import TrainedIntent
from smallpool_models.training.intent_card import IntentCard, intent_card_files
from smallpool_models.training.intent_network import IntentNetwork

_LEAST = np.array([1e-12], dtype=np.float32)


def write_intent(folder: Path, trained: TrainedIntent, card: IntentCard, learnt: Learnt) -> Manifest:
    """The folder's manifest; a model that lay there before is replaced."""
    sketch = trained.network.settings.sketch
    reads = IntentReads(trained.vocabulary, sketch, card.space)
    files = {GRAPH: intent_to_onnx(trained.network), READS: msgspec.json.encode(reads), **intent_card_files(card)}
    files[LEARNT] = msgspec.json.encode(learnt)
    return write_model(folder, KIND, SCHEMA, files, inputs_of(sketch), OUTPUTS)


@torch.no_grad()
def intent_to_onnx(network: IntentNetwork) -> bytes:
    """The graph: pieces, with what each counts, and what the text matches to unit vectors."""
    graph, settings = Graph(), network.settings
    held = graph.node("Gather", [graph.constant("table", network.table.weight.half()), "numbers"], "rows_held")
    at_one = graph.constant("second_axis", np.array([1], dtype=np.int64))
    graph.constant("least", _LEAST)
    rows = graph.node("Cast", [held], "rows", to=TensorProto.FLOAT)
    weighed = graph.node("MatMul", [graph.node("Unsqueeze", ["weights", at_one], "weights_row"), rows], "summed_row")
    summed = graph.node("Squeeze", [weighed, at_one], "summed")
    if not settings.sketch:
        _unit(graph, summed, "vectors")
        return graph.model("intent", inputs_of(0), OUTPUTS)
    share = graph.constant("share", np.array([settings.share], dtype=np.float32))
    learnt = graph.node("Mul", [_unit(graph, summed, "learnt_unit"), share], "learnt")
    _unit(graph, graph.node("Concat", ["matched", learnt], "joined", axis=1), "vectors")
    return graph.model("intent", inputs_of(settings.sketch), OUTPUTS)


def _unit(graph: Graph, rows: str, name: str) -> str:
    """Rows of unit length; one of zeros stays."""
    lengths = graph.node("ReduceL2", [rows], f"{name}_length", axes=[1], keepdims=1)
    return graph.node("Div", [rows, graph.node("Max", [lengths, "least"], f"{name}_divisor")], name)
