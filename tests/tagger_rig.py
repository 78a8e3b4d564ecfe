"""Models' folders without any training: small nets with weights that were drawn or set, exported as trained ones would be."""

from pathlib import Path

import msgspec
import onnx
import torch

from smallpool_models.encoders.labels import CATEGORY, INPUTS, OUTPUTS, REMEMBERED, LabelReads
from smallpool_models.encoders.labels import SCHEMA as LABEL_SCHEMA
from smallpool_models.encoders.ner import KIND, READS, SCHEMA, Reads, inputs_of, outputs_of
from smallpool_models.encoders.session import GRAPH
from smallpool_models.labels.deciding import Sureness
from smallpool_models.labels.grams import GramVocabulary
from smallpool_models.labels.nearest import remembered_titles
from smallpool_models.ner.features import Vocabulary
from smallpool_models.ner.tagging import Tagging
from smallpool_models.registry.folder import Manifest, write_model
from smallpool_models.training.export import to_onnx
from smallpool_models.training.label_export import labels_to_onnx
from smallpool_models.training.label_network import LabelNetwork, LabelNetworkSettings
from smallpool_models.training.network import Ensemble, Network, NetworkSettings

TYPES = ("brand", "material", "product")
VOCABULARY = Vocabulary("茶壶海尔和田玉手镯", ("茶壶", "海尔"), ("knowledge:product",), {"茶壶": 1, "手镯": 1})
SETTINGS = NetworkSettings(character_width=8, pair_width=8, shape_width=4, word_width=4, hidden=8)


def write_tagger(folder: Path, seed: int) -> Manifest:
    """Writes, or replaces, the model of this seed."""
    torch.manual_seed(seed)
    network = Network(SETTINGS, len(VOCABULARY.characters), len(VOCABULARY.pairs), len(VOCABULARY.classes), [Tagging(TYPES)]).eval()
    with torch.no_grad():
        network.heads[0].emit.weight *= 20  # so that two seeds tag differently
    files = {GRAPH: to_onnx(Ensemble([network])), READS: msgspec.json.encode(Reads(VOCABULARY, {"listings": TYPES}))}
    return write_model(folder, KIND, SCHEMA, files, inputs_of(), outputs_of(1))


def write_category(folder: Path, seed: int) -> Manifest:
    """Writes, or replaces, a model that calls every title `种类` and the seed."""
    network = LabelNetwork(LabelNetworkSettings(sums=0), 1, 2)
    with torch.no_grad():
        network.bias[0] = 5
    reads = LabelReads(GramVocabulary(("冷",), (1.0,), numbers_alike=True), (f"种类{seed}", "别的"), sureness=Sureness(1.0, 1.0, 0.0, 0.5))
    remembered = msgspec.json.encode(remembered_titles((), reads.labels, 0.0))
    files = {GRAPH: labels_to_onnx(network), READS: msgspec.json.encode(reads), REMEMBERED: remembered}
    return write_model(folder, CATEGORY, LABEL_SCHEMA, files, INPUTS, OUTPUTS)


def with_weights_in_another_file(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../../etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    return model.SerializeToString()


def with_other_inputs(graph: bytes) -> bytes:
    model = onnx.load_from_string(graph)
    model.graph.input.append(onnx.helper.make_tensor_value_info("more", onnx.TensorProto.FLOAT, [1]))
    return model.SerializeToString()


def cut_short(graph: bytes) -> bytes:
    return graph[: len(graph) // 2]
