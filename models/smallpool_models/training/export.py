"""Writes a trained tagger as an ONNX graph, node by node: the graph is small, and what serves it is what stands here.

In: an `Ensemble` of nets with their heads. Out: the bytes of a graph that computes the same emissions to 1e-4, and holds the transitions as
constant outputs, so that one file has all the numbers.
"""

import numpy as np
from numpy.typing import NDArray

from smallpool_models.encoders.ner import inputs_of, outputs_of
from smallpool_models.training.graph import Graph
from smallpool_models.training.network import Ensemble, Network

_GATES = (0, 3, 1, 2)
"""torch keeps its gates as input, forget, cell, output; ONNX as input, output, forget, cell."""


def to_onnx(ensemble: Ensemble) -> bytes:
    """The graph; its inputs and outputs are those of `encoders.ner`."""
    graph = Graph()
    members = [ensemble.member(number) for number in range(len(ensemble.members))]
    heads = len(members[0].heads)
    seen = [_read(graph, network, f"{number}_") for number, network in enumerate(members)]
    for place in range(heads):
        emitted = [_emitted(graph, network, f"{number}_", place, seen[number]) for number, network in enumerate(members)]
        graph.node("Mean", emitted, f"emissions_{place}")
        for part, value in zip(("between", "start", "end"), ensemble.transitions(place), strict=True):
            graph.node("Identity", [graph.constant(f"{part}_held_{place}", value)], f"{part}_{place}")
    return graph.model("ner", inputs_of(), outputs_of(heads))


def _read(graph: Graph, network: Network, own: str) -> str:
    """What the heads of a net read; `own` begins all names that are the net's own."""
    looked_up = [
        graph.node("Gather", [graph.constant(f"{own}{table}_table", weights), source], f"{own}{source}_read")
        for source, table, weights in (
            ("characters", "characters", network.characters.weight),
            ("left", "pairs", network.pairs.weight),
            ("right", "pairs", network.pairs.weight),
            ("shapes", "shapes", network.shapes.weight),
        )
    ]
    weighed = graph.node("MatMul", ["words", graph.constant(f"{own}words_weight", network.words.weight.T)], f"{own}words_weighed")
    shifted = graph.node("Add", [weighed, graph.constant(f"{own}words_bias", network.words.bias)], f"{own}words_shifted")
    looked_up.append(graph.node("Relu", [shifted], f"{own}words_read"))
    hidden = read = graph.node("Concat", looked_up, f"{own}read", axis=2)
    for layer in range(network.settings.layers):
        hidden = _lstm(graph, network, own, layer, hidden)
    return graph.node("Concat", [hidden, read], f"{own}seen", axis=2) if network.reads_directly else hidden


def _emitted(graph: Graph, network: Network, own: str, place: int, seen: str) -> str:
    head = network.head(place)
    emitted = graph.node("MatMul", [seen, graph.constant(f"{own}emit_weight_{place}", head.emit.weight.T)], f"{own}emitted_{place}")
    return graph.node("Add", [emitted, graph.constant(f"{own}emit_bias_{place}", head.emit.bias)], f"{own}emissions_{place}")


def _lstm(graph: Graph, network: Network, own: str, layer: int, source: str) -> str:
    """One bidirectional layer: (longest, titles, read) -> (longest, titles, 2 × hidden)."""
    size = network.settings.hidden
    ways_there_and_back = [way.state_dict() for way in (network.layer(layer).there, network.layer(layer).back)]

    def both(name: str) -> NDArray[np.float32]:
        ways = [weights[f"{name}_l0"].numpy() for weights in ways_there_and_back]
        return np.stack([np.concatenate([way[gate * size : (gate + 1) * size] for gate in _GATES]) for way in ways])

    biases = np.concatenate([both("bias_ih"), both("bias_hh")], axis=1)
    inputs = [
        source,
        graph.constant(f"{own}lstm_{layer}_w", both("weight_ih")),
        graph.constant(f"{own}lstm_{layer}_r", both("weight_hh")),
        graph.constant(f"{own}lstm_{layer}_b", biases),
        "lengths",
    ]
    ways = graph.node("LSTM", inputs, f"{own}lstm_{layer}", hidden_size=size, direction="bidirectional")
    beside = graph.node("Transpose", [ways], f"{own}lstm_{layer}_beside", perm=[0, 2, 1, 3])
    shape = graph.constant(f"{own}lstm_{layer}_shape", np.array([0, 0, 2 * size], dtype=np.int64))
    return graph.node("Reshape", [beside, shape], f"{own}hidden_{layer}")
