"""Builds ONNX graphs node by node: the graphs here are small, and what serves them is what stands there.

In: nodes and constants. Out: the bytes of a graph.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from smallpool_models.registry.folder import Tensor

_OPSET = 17
_TYPES = {"tensor(int64)": TensorProto.INT64, "tensor(int32)": TensorProto.INT32, "tensor(float)": TensorProto.FLOAT}


class Graph:
    """Nodes and constants in the order in which they were added; one that is added again counts once."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: NDArray[np.generic] | torch.Tensor) -> str:
        """Adds a constant; its name."""
        array = value.detach().numpy() if isinstance(value, torch.Tensor) else value
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Adds a node of one output; the output's name."""
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def model(self, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> bytes:
        """The graph, checked."""
        come, go = (
            [helper.make_tensor_value_info(one.name, _TYPES[one.type], [None] * one.axes) for one in some] for some in (inputs, outputs)
        )
        made = helper.make_graph(self._nodes, name, come, go, list(self._constants.values()))
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8, producer_name="smallpool")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
