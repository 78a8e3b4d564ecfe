"""Writes a trained net of labels as an ONNX graph, node by node, and its folder.

In: a `TrainedLabels`. Out: the bytes of a graph that computes the same scores to 1e-4, and a folder that `encoders.labels` opens.

The tables of all readers stand side by side in one, in 16 bits, so that a title's runs are looked up once; weights times rows is then
one product of matrices a title.
"""

from pathlib import Path

import msgspec
import numpy as np
import torch
from onnx import TensorProto

from smallpool_models.encoders.labels import INPUTS, OUTPUTS, READS, REMEMBERED, SCHEMA, LabelReads
from smallpool_models.encoders.session import GRAPH
from smallpool_models.labels.deciding import Sureness, TagRule
from smallpool_models.registry.folder import Manifest, write_model
from smallpool_models.training.graph import Graph
from smallpool_models.training.label_card import LabelCard, label_card_files
from smallpool_models.training.label_network import LINEAR_SCALE, SUM_SCALE, LabelNetwork
from smallpool_models.training.labels import TrainedLabels


def write_labels(folder: Path, trained: TrainedLabels, card: LabelCard) -> Manifest:
    """The folder's manifest; a model that lay there before is replaced."""
    decides = trained.decides
    reads = LabelReads(
        trained.vocabulary,
        trained.labels,
        sureness=decides if isinstance(decides, Sureness) else None,
        rule=decides if isinstance(decides, TagRule) else None,
    )
    files = {
        GRAPH: labels_to_onnx(trained.network),
        READS: msgspec.json.encode(reads),
        REMEMBERED: msgspec.json.encode(trained.remembered),
        **label_card_files(card),
    }
    return write_model(folder, card.task, SCHEMA, files, INPUTS, OUTPUTS)


@torch.no_grad()
def labels_to_onnx(network: LabelNetwork) -> bytes:
    """The graph; the scores are the mean over the readers."""
    graph = Graph()
    readers, labels = len(network.tables), len(network.bias)
    linear, width = labels * network.settings.linear, network.settings.width * network.settings.sums
    outs = [network.out(number) for number in range(network.settings.sums)]
    table = torch.cat([network.table(number) for number in range(readers)], dim=1)
    rows = graph.node("Gather", [graph.constant("table", table.half()), "numbers"], "rows_held")
    read = graph.node("Cast", [rows], "rows", to=TensorProto.FLOAT)
    at_one = graph.constant("second_axis", np.array([1], dtype=np.int64))
    weighed = graph.node("MatMul", [graph.node("Unsqueeze", ["weights", at_one], "weights_row"), read], "summed_row")
    summed = graph.node("Squeeze", [weighed, at_one], "summed")
    terms: list[str] = []
    if linear:
        part = _columns(graph, summed, "linear", 0, labels) if width else summed
        terms.append(
            graph.node("Mul", [part, graph.constant("linear_scale", np.array([LINEAR_SCALE / readers], dtype=np.float32))], "linear_scored")
        )
    if width:
        part = _columns(graph, summed, "sums", linear, linear + width) if linear else summed
        scaled = graph.node("Mul", [part, graph.constant("sum_scale", np.array([SUM_SCALE], dtype=np.float32))], "sums_scaled")
        out = torch.cat([one.weight.T for one in outs], dim=0) / readers
        terms.append(graph.node("MatMul", [graph.node("Relu", [scaled], "sums_read"), graph.constant("outs", out)], "sums_scored"))
    bias = (network.bias * network.settings.linear + torch.stack([torch.zeros(labels), *(one.bias for one in outs)]).sum(0)) / readers
    total = graph.node("Sum", terms, "total")
    graph.node("Add", [total, graph.constant("bias", bias)], "scores")
    return graph.model("labels", INPUTS, OUTPUTS)


def _columns(graph: Graph, source: str, name: str, start: int, end: int) -> str:
    bounds = [
        graph.constant(f"{name}_{part}", np.array([value], dtype=np.int64)) for part, value in (("start", start), ("end", end), ("axis", 1))
    ]
    return graph.node("Slice", [source, *bounds], f"{name}_part")
