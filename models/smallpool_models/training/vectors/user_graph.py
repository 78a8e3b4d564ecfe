"""Writes the net of a person's interests as an ONNX graph: one person a run, the interests as of the last place alone.

In: a `UserNetwork`. Out: the bytes of a graph with the inputs and outputs of `encoders.items.USER_FORM`. A weight counts as if its item had
been touched so often: its logarithm is added to what the gathering attends by.
"""

import numpy as np
import torch
from torch import nn

from smallpool_models.encoders.items import USER_FORM
from smallpool_models.training.graph import Graph
from smallpool_models.training.vectors.item_network import HIDDEN_LOGIT, LEAST_LENGTH
from smallpool_models.training.vectors.user_network import STEPS_BACK, Block, UserNetwork


@torch.no_grad()
def user_to_onnx(network: UserNetwork) -> bytes:
    """The graph; at most as many places as steps back are told apart."""
    return _UserGraph(network).made()


class _UserGraph:
    """The graph while it is made; names of nodes are those of what they hold."""

    def __init__(self, network: UserNetwork) -> None:
        self._network, self._graph = network, Graph()
        self._width, self._interests = network.settings.width, network.settings.interests

    def made(self) -> bytes:
        graph, network = self._graph, self._network
        rows = self._linear("enter", network.enter, self._times("touched", self._width**0.5, "touched_entering"))
        for number, block in enumerate(network.blocks):
            assert isinstance(block, Block)  # noqa: S101  the list holds no others
            rows = self._block(f"block_{number}_", block, rows)
        interests = self._short(self._normal("last", network.last, rows))
        if network.settings.fusion:
            interests = self._fused(interests, self._long())
        length = graph.node("ReduceL2", [interests], "length", axes=[-1], keepdims=1)
        least = graph.constant("least", np.array([LEAST_LENGTH], dtype=np.float32))
        graph.node("Div", [interests, graph.node("Max", [length, least], "divisor")], "interests")
        return graph.model("user", USER_FORM.inputs, USER_FORM.outputs)

    def _block(self, own: str, block: Block, rows: str) -> str:
        """(places, d) -> the same."""
        graph, heads, width = self._graph, block.heads, self._width
        normal = self._normal(f"{own}before", block.before, rows)
        shape = graph.constant(f"{own}shape", np.array([-1, heads, width // heads], dtype=np.int64))

        def by_head(name: str, layer: nn.Linear, perm: list[int]) -> str:
            told = graph.node("Reshape", [self._linear(f"{own}{name}", layer, normal), shape], f"{own}{name}_parted")
            return graph.node("Transpose", [told], f"{own}{name}_by_head", perm=perm)

        asks, values = by_head("asks", block.asks, [1, 0, 2]), by_head("values", block.values, [1, 0, 2])
        likeness = graph.node("MatMul", [asks, by_head("keys", block.keys, [1, 2, 0])], f"{own}likeness")
        likeness = self._times(likeness, (width // heads) ** -0.5, f"{own}likeness_scaled")
        bias = self._square(f"{own}back", _behind(block.back))
        shares = graph.node("Softmax", [graph.node("Add", [likeness, bias], f"{own}logits")], f"{own}shares", axis=2)
        seen = graph.node("Transpose", [graph.node("MatMul", [shares, values], f"{own}seen")], f"{own}seen_across", perm=[1, 0, 2])
        seen = graph.node("Reshape", [seen, graph.constant(f"{own}whole", np.array([-1, width], dtype=np.int64))], f"{own}seen_whole")
        rows = graph.node("Add", [rows, self._linear(f"{own}joins", block.joins, seen)], f"{own}joined")
        up = self._linear(f"{own}up", block.up, self._normal(f"{own}between", block.between, rows))
        down = self._linear(f"{own}down", block.down, graph.node("Relu", [up], f"{own}up_read"))
        return graph.node("Add", [rows, down], f"{own}out")

    def _short(self, rows: str) -> str:
        """s: (K, d)."""
        graph, network = self._graph, self._network
        ends = [np.array([place], dtype=np.int64) for place in (-1, np.iinfo(np.int64).max, 0)]
        bounds = [graph.constant(f"last_{place}", end) for place, end in enumerate(ends)]
        last = graph.node("Slice", [rows, *bounds], "last_place")
        shape = graph.constant("by_interest", np.array([self._interests, self._width], dtype=np.int64))
        asks = graph.node("Reshape", [self._linear("asks", network.asks, last), shape], "asks_by_interest")
        keys = graph.node("Transpose", [self._linear("keys", network.keys, rows)], "keys_across", perm=[1, 0])
        likeness = self._times(graph.node("MatMul", [asks, keys], "likeness"), self._width**-0.5, "likeness_scaled")
        # (K, places): the column of the last place is 0 steps back, so the first of so many, the other way round
        back = graph.constant("back", network.back.flip(1))
        count = graph.node("Shape", ["touched_weights"], "count")
        starts = graph.node("Sub", [graph.constant("steps", np.array([STEPS_BACK], dtype=np.int64)), count], "starts")
        bias = graph.node("Slice", [back, starts, "steps", graph.constant("axis", np.array([1], dtype=np.int64))], "recency")
        logits = graph.node(
            "Add", [graph.node("Add", [likeness, bias], "recent"), graph.node("Log", ["touched_weights"], "worth")], "logits"
        )
        gathered = graph.node("MatMul", [graph.node("Softmax", [logits], "shares", axis=1), "touched"], "gathered")
        gathered = self._turned(gathered)
        own = graph.node("Reshape", [self._linear("own", network.own, last), shape], "own_by_interest")
        return graph.node("Add", [gathered, own], "short")

    def _long(self) -> str:
        """p: (K, d)."""
        graph, network = self._graph, self._network
        keys = self._linear("long_keys", network.long_keys, self._times("known", self._width**0.5, "known_entering"))
        asks = graph.constant("long_asks", network.long_asks.T)
        logits = graph.node("MatMul", [graph.node("Tanh", [keys], "long_read"), asks], "long_likeness")
        logits = graph.node("Transpose", [logits], "long_across", perm=[1, 0])
        logits = graph.node("Add", [logits, graph.node("Log", ["known_weights"], "long_worth")], "long_logits")
        return self._turned(graph.node("MatMul", [graph.node("Softmax", [logits], "long_shares", axis=1), "known"], "long"))

    def _turned(self, rows: str) -> str:
        """What is gathered, turned: a matrix may as well come behind the gathering, where there are fewer rows."""
        if not self._network.settings.turn:
            return rows
        return self._graph.node("MatMul", [rows, self._graph.constant(f"{rows}_turn", self._network.turn.T)], f"{rows}_turned")

    def _fused(self, short: str, long: str) -> str:
        graph, network = self._graph, self._network
        one = graph.constant("first", np.array([0], dtype=np.int64))
        profile = self._linear("from_profile", network.from_profile, graph.node("Unsqueeze", ["profile", one], "profile_row"))
        told = graph.node("Add", [self._weighed("from_short", network.from_short, short), profile], "told_short")
        told = graph.node("Add", [self._weighed("from_long", network.from_long, long), told], "told")
        gate = graph.node("Sigmoid", [told], "gate")
        return graph.node("Add", [short, graph.node("Mul", [gate, graph.node("Sub", [long, short], "apart")], "moved")], "fused")

    def _square(self, name: str, bias: torch.Tensor) -> str:
        """The upper left of (heads, steps, steps), as many places as were touched."""
        graph = self._graph
        count = graph.node("Shape", ["touched_weights"], f"{name}_count")
        ends = graph.node("Concat", [count, count], f"{name}_ends", axis=0)
        begins = graph.constant("square_begins", np.array([0, 0], dtype=np.int64))
        axes = graph.constant("square_axes", np.array([1, 2], dtype=np.int64))
        return graph.node("Slice", [graph.constant(name, bias), begins, ends, axes], f"{name}_square")

    def _normal(self, name: str, layer: nn.LayerNorm, rows: str) -> str:
        constants = [self._graph.constant(f"{name}_{part}", getattr(layer, part)) for part in ("weight", "bias")]
        return self._graph.node("LayerNormalization", [rows, *constants], f"{name}_normal", axis=-1, epsilon=layer.eps)

    def _weighed(self, name: str, layer: nn.Linear, rows: str) -> str:
        return self._graph.node("MatMul", [rows, self._graph.constant(f"{name}_weight", layer.weight.T)], f"{name}_weighed")

    def _linear(self, name: str, layer: nn.Linear, rows: str) -> str:
        weighed = self._weighed(name, layer, rows)
        if layer.bias is None:
            return weighed
        return self._graph.node("Add", [weighed, self._graph.constant(f"{name}_bias", layer.bias)], f"{name}_out")

    def _times(self, rows: str, factor: float, output: str) -> str:
        return self._graph.node("Mul", [rows, self._graph.constant(f"{output}_by", np.array([factor], dtype=np.float32))], output)


def _behind(back: torch.Tensor) -> torch.Tensor:
    """(heads, steps, steps): the bias by how many steps back, and nothing ahead."""
    places = torch.arange(STEPS_BACK)
    steps = places[:, None] - places[None, :]
    return back[:, steps.clamp(0)] + HIDDEN_LOGIT * (steps < 0)
