"""Rankers of a test's own: small nets built node by node, with the very numbers that a test is about."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from smallpool_core.ranking import FEATURES
from smallpool_models.encoders.ranker import take_in
from smallpool_models.registry.folder import Manifest


def linear_net(width: int = len(FEATURES), *, flat: bool = False, **weights: float) -> bytes:
    """A net whose score is the weighted sum of these features, of shape (n, 1), or (n) if `flat`."""
    column = np.zeros((width, 1), np.float32)
    for name, weight in weights.items():
        column[FEATURES.index(name), 0] = weight
    nodes = [helper.make_node("MatMul", ["rows", "weights"], ["sums"])]
    constants = [numpy_helper.from_array(column, "weights")]
    if flat:
        constants.append(numpy_helper.from_array(np.array([-1], np.int64), "shape"))
        nodes.append(helper.make_node("Reshape", ["sums", "shape"], ["scores"]))
    else:
        nodes.append(helper.make_node("Identity", ["sums"], ["scores"]))
    come = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, width])
    go = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None] if flat else [None, 1])
    graph = helper.make_graph(nodes, "linear", [come], [go], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def write_ranker(folder: Path, **weights: float) -> Manifest:
    """Writes, or replaces, the ranker of these weights."""
    return take_in(linear_net(**weights), folder)
