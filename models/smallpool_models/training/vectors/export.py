"""Writes trained nets of items and interests as two ONNX graphs, node by node, and their folder.

In: `TrainedVectors`. Out: graphs that compute the same vectors to 1e-4, and a folder that `encoders.items` and `encoders.interests` open.
Tables are kept in 16 bits, to which the weights were rounded before.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from onnx import TensorProto

from smallpool_models.encoders.items import ITEM_FORM, KIND, READS, SCHEMA, USER_FORM, VectorReads
from smallpool_models.registry.folder import Manifest, write_model
from smallpool_models.training.graph import Graph
from smallpool_models.training.vectors.card import VectorCard, vector_card_files
from smallpool_models.training.vectors.interests import TrainedVectors
from smallpool_models.training.vectors.item_network import HIDDEN_LOGIT, LEAST_LENGTH, ItemNetwork
from smallpool_models.training.vectors.user_graph import user_to_onnx


def write_vectors(folder: Path, trained: TrainedVectors, card: VectorCard) -> Manifest:
    """The folder's manifest; a model that lay there before is replaced."""
    network = trained.network.cpu().eval()
    round_off(network.items)
    settings = network.users.settings
    reads = VectorReads(trained.vocabulary, settings.width, settings.interests, float(network.log_scale.detach().exp()))
    files = {
        ITEM_FORM.graph: items_to_onnx(network.items),
        USER_FORM.graph: user_to_onnx(network.users),
        READS: msgspec.json.encode(reads),
        **vector_card_files(card),
    }
    inputs, outputs = ITEM_FORM.inputs + USER_FORM.inputs, ITEM_FORM.outputs + USER_FORM.outputs
    return write_model(folder, KIND, SCHEMA, files, inputs, outputs)


@torch.no_grad()
def round_off(network: ItemNetwork) -> None:
    """Rounds the tables to 16 bits, so that both nets compute with the same numbers."""
    for table in (network.terms, network.words, network.ids):
        table.weight.copy_(table.weight.half().float())


@torch.no_grad()
def items_to_onnx(network: ItemNetwork) -> bytes:
    """The graph of an item's vector."""
    graph = Graph()
    term_rows, word_rows = (_table(graph, name, getattr(network, name).weight, name) for name in ("terms", "words"))
    weighed = torch.exp(network.term_weights)
    weighed[0] = 0
    weights = graph.node("Gather", [graph.constant("term_weights", weighed), "terms"], "weights")
    second = graph.constant("second", np.array([1], dtype=np.int64))
    summed = graph.node("MatMul", [graph.node("Unsqueeze", [weights, second], "weights_row"), term_rows], "terms_summed")
    is_what = scaled(graph, graph.node("Squeeze", [summed, second], "terms_squeezed"), "is_what")
    told = _told(graph, network, term_rows, word_rows, weights)
    told = graph.node("Mul", [told, graph.constant("title_share", network.title_share.reshape(1))], "told_shared")
    known = _table(graph, "ids", network.ids.weight, "ids")
    parts = graph.node("Add", [graph.node("Add", [is_what, told], "what_and_told"), known], "parts")
    if network.settings.hidden:
        parts = graph.node("Add", [parts, _linear(graph, "down", network.down, _up(graph, network, parts))], "turned")
    scaled(graph, parts, "vectors")
    return graph.model("items", ITEM_FORM.inputs, ITEM_FORM.outputs)


def _told(graph: Graph, network: ItemNetwork, term_rows: str, word_rows: str, weights: str) -> str:
    """What the title says, (items, d)."""
    width = network.settings.width
    first = graph.node("Slice", [graph.node("Shape", ["terms"], "shape"), *_bounds(graph, 0, 1)], "count")
    one = graph.constant("one", np.array([1], dtype=np.int64))
    of_whole = graph.node("Concat", [first, one, graph.constant("width", np.array([width], dtype=np.int64))], "of_whole", axis=0)
    whole = graph.node("Expand", [graph.constant("whole", network.whole.reshape(1, 1, width)), of_whole], "whole_rows")
    asking = graph.node("Concat", [whole, term_rows], "asking", axis=1)
    likeness = graph.node("MatMul", [asking, graph.node("Transpose", [word_rows], "words_across", perm=[0, 2, 1])], "likeness")
    likeness = graph.node("Mul", [likeness, graph.constant("of_width", np.array([width**-0.5], dtype=np.float32))], "likeness_scaled")
    logits = network.word_weights.clone()
    logits[0] += HIDDEN_LOGIT
    rarity = graph.node("Gather", [graph.constant("word_weights", logits), "words"], "word_logits")
    rarity = graph.node("Unsqueeze", [rarity, graph.constant("middle", np.array([1], dtype=np.int64))], "word_logits_row")
    shares = graph.node("Softmax", [graph.node("Add", [likeness, rarity], "title_logits")], "title_shares", axis=2)
    answers = graph.node("MatMul", [shares, word_rows], "answers")
    of_one = graph.node("Concat", [first, one], "of_one", axis=0)
    ones = graph.node("Expand", [graph.constant("ones", np.ones((1, 1), dtype=np.float32)), of_one], "ones_column")
    counts = graph.node("Unsqueeze", [graph.node("Concat", [ones, weights], "counts", axis=1), "middle"], "counts_row")
    summed = graph.node("Squeeze", [graph.node("MatMul", [counts, answers], "answers_summed"), "middle"], "answers_squeezed")
    is_word = torch.ones(len(logits))
    is_word[0] = 0
    there = graph.node("Gather", [graph.constant("is_word", is_word), "words"], "words_there")
    there = graph.node("ReduceMax", [there], "has_title", axes=[1], keepdims=1)
    return scaled(graph, graph.node("Mul", [summed, there], "answers_there"), "told")


def scaled(graph: Graph, rows: str, output: str) -> str:
    """Rows of unit length on the last axis; what has hardly any stays short."""
    length = graph.node("ReduceL2", [rows], f"{output}_length", axes=[-1], keepdims=1)
    least = graph.constant("least_length", np.array([LEAST_LENGTH], dtype=np.float32))
    return graph.node("Div", [rows, graph.node("Max", [length, least], f"{output}_divisor")], output)


def _table(graph: Graph, name: str, weights: torch.Tensor, source: str) -> str:
    held = graph.node("Gather", [graph.constant(f"{name}_table", weights.half()), source], f"{name}_held")
    return graph.node("Cast", [held], f"{name}_rows", to=TensorProto.FLOAT)


def _up(graph: Graph, network: ItemNetwork, parts: str) -> str:
    return graph.node("Relu", [_linear(graph, "up", network.up, parts)], "up_read")


def _linear(graph: Graph, name: str, layer: torch.nn.Linear, rows: str) -> str:
    product = graph.node("MatMul", [rows, graph.constant(f"{name}_weight", layer.weight.T)], f"{name}_weighed")
    return graph.node("Add", [product, graph.constant(f"{name}_bias", layer.bias)], f"{name}_out")


def _bounds(graph: Graph, start: int, end: int) -> list[str]:
    return [graph.constant(f"at_{place}", np.array([place], dtype=np.int64)) for place in (start, end)]
