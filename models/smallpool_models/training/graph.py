"""Builds ONNX graphs node by node: the graphs here are small, and what serves them is what stands there.

In: nodes and constants. Out: what a graph is made of.
"""

from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
TYPES = {"tensor(int64)": TensorProto.INT64, "tensor(int32)": TensorProto.INT32, "tensor(float)": TensorProto.FLOAT}


class Graph:
    """Nodes and constants in the order in which they were added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | torch.Tensor) -> str:
        """Adds a constant; its name."""
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node of one output; the output's name."""
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output
