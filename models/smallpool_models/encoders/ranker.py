"""Ranks candidates with a user's own net: one input of features, one output of scores, run by ONNX Runtime beside the event loop.

In: `ModelFiles` of kind `ranker`, rows of features (n, features) float32. Out: n scores. What is no such net is refused.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from smallpool_core.ranking import FEATURES, FEATURES_VERSION
from smallpool_models.encoders.session import ERRORS, GRAPH, Session, options
from smallpool_models.registry.folder import Manifest, ModelFiles, Tensor, write_model

KIND: Final = "ranker"
SCHEMA: Final = FEATURES_VERSION
FLOAT: Final = "tensor(float)"
_ALLOWED = f"one input {FLOAT} of (candidates, {len(FEATURES)}), one output {FLOAT} of (candidates) or (candidates, 1); see docs/models.md"


class OnnxRanker:
    """One net. It computes on a thread of its own, one page after the other, so that a slow one holds up nobody who gives it up."""

    def __init__(self, files: ModelFiles) -> None:
        """Raises `ModelRefused` where the net does not read the features or gives no score for each row."""
        inputs, outputs = files.manifest.inputs, files.manifest.outputs
        if [(one.type, one.axes) for one in inputs] != [(FLOAT, 2)] or [one.type for one in outputs] != [FLOAT]:
            raise files.refused(GRAPH, f"inputs {_named(inputs)}, outputs {_named(outputs)}", f"allowed is {_ALLOWED}")
        self.version = files.manifest.version
        self._input, self._output = inputs[0].name, outputs[0].name
        self._session = Session(files, {self._input: np.zeros((1, len(FEATURES)), np.float32)})
        for rows in (1, 2):
            try:
                found = self._run(np.zeros((rows, len(FEATURES)), np.float32))
            except ERRORS as error:
                raise files.refused(GRAPH, str(error).splitlines()[0][:200], f"allowed is {_ALLOWED}") from error
            if found.shape not in {(rows,), (rows, 1)}:
                raise files.refused(GRAPH, f"scores of shape {found.shape} for {rows} candidates", f"allowed is {_ALLOWED}")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ranker")

    async def rank(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """See `Ranker.rank`; raises what ONNX Runtime does."""
        read = np.array(rows, np.float32).reshape(len(rows), len(FEATURES))
        found = await asyncio.get_running_loop().run_in_executor(self._thread, self._run, read)
        scores: list[float] = found.reshape(-1).tolist()
        return scores

    def _run(self, rows: NDArray[np.float32]) -> NDArray[Any]:
        return self._session.run([self._output], {self._input: rows})[0]


def take_in(graph: bytes, folder: Path) -> Manifest:
    """Writes the folder of a net of one's own, once it was tried; raises `ModelRefused`."""
    files = ModelFiles(str(folder), Manifest(KIND, SCHEMA, "", {}, (), ()), {GRAPH: graph})
    inputs, outputs = _read(files)
    OnnxRanker(ModelFiles(str(folder), Manifest(KIND, SCHEMA, "", {}, inputs, outputs), {GRAPH: graph}))
    return write_model(folder, KIND, SCHEMA, {GRAPH: graph}, inputs, outputs)


def _read(files: ModelFiles) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """What the net takes and gives. Nothing of it is run, and no other file is read: bytes have no folder to look in."""
    try:
        session = onnxruntime.InferenceSession(files.files[GRAPH], options(), providers=["CPUExecutionProvider"])
    except ERRORS as error:
        raise files.refused(GRAPH, str(error).splitlines()[0][:200], "ONNX Runtime cannot read it; export it again") from error
    come, go = (tuple(Tensor(one.name, one.type, len(one.shape)) for one in some) for some in (session.get_inputs(), session.get_outputs()))
    return come, go


def _named(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{one.name} {one.type} of {one.axes} axes" for one in tensors) or "none"
