"""A ranker of one's own: what is taken in, what is refused, and that its scores are those of its net."""

import asyncio
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from ranker_rig import linear_net, write_ranker
from smallpool_core.errors import ModelRefused
from smallpool_core.ranking import FEATURES
from smallpool_models.encoders.ranker import KIND, SCHEMA, OnnxRanker, take_in
from smallpool_models.registry.folder import read_model


def row(**values: float) -> list[float]:
    return [values.get(name, 0.0) for name in FEATURES]


@pytest.mark.parametrize("flat", [False, True])
def test_the_scores_are_those_of_the_net(tmp_path: Path, flat: bool) -> None:
    take_in(linear_net(flat=flat, price=0.25, age_h=-1.0), tmp_path)
    ranker = OnnxRanker(read_model(tmp_path, KIND, SCHEMA))
    found = asyncio.run(ranker.rank([row(price=2.0), row(age_h=1.0), row(match=1.0)]))
    assert list(found) == pytest.approx([0.5, -1.0, 0.0])
    assert list(asyncio.run(ranker.rank([]))) == []


def with_two_outputs(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    model.graph.node.append(helper.make_node("Identity", ["sums"], ["more"]))
    model.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [None, 1]))
    return model.SerializeToString()


def of_one_score_for_all(_: bytes) -> bytes:
    node = helper.make_node("ReduceMean", ["rows"], ["scores"], keepdims=0)
    come = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, len(FEATURES)])
    go = helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "mean", [come], [go])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def with_weights_in_another_file(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../../etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    return model.SerializeToString()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: linear_net(width=5),
        with_two_outputs,
        of_one_score_for_all,
        with_weights_in_another_file,
        lambda graph: graph[: len(graph) // 2],
        lambda _: b"",
    ],
    ids=["other features", "two outputs", "one score", "weights elsewhere", "cut short", "empty"],
)
def test_what_is_no_ranker_is_refused_before_a_folder_is_written(tmp_path: Path, damage: object) -> None:
    with pytest.raises(ModelRefused):
        take_in(damage(linear_net(match=1.0)), tmp_path / "ranker")  # type: ignore[operator]
    assert not (tmp_path / "ranker").exists()


def test_a_folder_for_another_version_of_the_features_is_refused(tmp_path: Path) -> None:
    write_ranker(tmp_path, match=1.0)
    with pytest.raises(ModelRefused, match=f"schema {SCHEMA};"):
        read_model(tmp_path, KIND, SCHEMA + 1)
