"""Opens the graph of a checked model folder in ONNX Runtime, on one thread.

In: `ModelFiles`. Out: a `Session` whose inputs and outputs are those of the manifest. A graph that keeps its weights in another file is
refused: a path inside a model would be read from wherever it leads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime
from msgspec import Struct
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, RuntimeException
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NotImplementedByRuntime

from smallpool_models.registry.folder import ModelFiles, Tensor

GRAPH = "model.onnx"
_EXTERNAL = b"location"
"""The key under which ONNX names the file of a tensor's data; it stands in the bytes of every graph that has such a tensor."""
_FATAL = 4
"""What ONNX Runtime writes to stderr by itself; all else comes as an exception."""
ERRORS = (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NotImplementedByRuntime, RuntimeException, ValueError, RuntimeError)


class Form(Struct, frozen=True):
    """One graph of a folder: its file, and which of the manifest's inputs and outputs it has."""

    graph: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


class Session:
    """One graph. Running it keeps no state and may be done from several threads. `tried` is what it makes of a first, smallest input."""

    def __init__(self, files: ModelFiles, smallest: Mapping[str, NDArray[Any]], form: Form | None = None) -> None:
        """Without a `form` the folder has one graph, and that all inputs and outputs."""
        form = form or Form(GRAPH, files.manifest.inputs, files.manifest.outputs)
        graph = files.files.get(form.graph)
        if graph is None:
            raise files.refused(form.graph, "no graph", "the folder of a model holds one; copy it whole")
        if _EXTERNAL in graph:
            raise files.refused(form.graph, "weights in another file", "a model's graph holds its weights itself; export it so")
        try:
            self._session = onnxruntime.InferenceSession(graph, options(), providers=["CPUExecutionProvider"])
        except ERRORS as error:
            told = str(error).splitlines()[0][:200]
            raise files.refused(form.graph, told, "ONNX Runtime cannot read it; train the model again") from error
        for name, promised, there in (
            ("inputs", form.inputs, self._session.get_inputs()),
            ("outputs", form.outputs, self._session.get_outputs()),
        ):
            held = tuple(Tensor(one.name, one.type, len(one.shape)) for one in there)
            if held != promised:
                raise files.refused(
                    form.graph, f"{name} {_named(held)}", f"the manifest promises {_named(promised)}; train the model again"
                )
        outputs = [one.name for one in form.outputs]
        try:
            self.tried = dict(zip(outputs, self.run(outputs, smallest), strict=True))
        except ERRORS as error:
            raise files.refused(form.graph, str(error).splitlines()[0][:200], "its parts do not fit; train the model again") from error

    def run(self, outputs: Sequence[str], inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs of these names; only what they need is computed."""
        computed: list[NDArray[Any]] = self._session.run(list(outputs), dict(inputs))
        return computed


def options() -> onnxruntime.SessionOptions:
    """One thread, and no words of its own on stderr."""
    made = onnxruntime.SessionOptions()
    made.intra_op_num_threads = made.inter_op_num_threads = 1
    made.log_severity_level = _FATAL
    return made


def _named(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{one.name} {one.type} of {one.axes} axes" for one in tensors)
