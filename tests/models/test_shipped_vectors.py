"""The model of vectors that ships is small, can be opened without torch, and knows what goes with what."""

import numpy as np

from checkout import ROOT
from smallpool_core.encoder_ports import Parts, Token
from smallpool_models.encoders.interests import OnnxUserEncoder
from smallpool_models.encoders.items import KIND, SCHEMA, OnnxItemEncoder
from smallpool_models.registry.folder import read_model

FOLDER = ROOT / "config" / "models" / "vectors"
MOST_BYTES = 6_000_000


def rows(vectors: list[bytes]) -> np.ndarray:
    return np.array([np.frombuffer(one, "<f4") for one in vectors])


def titled(*words: str) -> Parts:
    return Parts(title_words=words)


TEA, OTHER_TEA, WATCH, OTHER_WATCH = titled("乌龙茶"), titled("千两茶"), titled("怀表"), titled("手表")


def test_the_shipped_vectors_are_small_and_whole() -> None:
    files = read_model(FOLDER, KIND, SCHEMA)
    assert sum(len(content) for content in files.files.values()) < MOST_BYTES


def test_the_shipped_vectors_tell_tea_from_watches_by_their_titles_alone() -> None:
    encoder = OnnxItemEncoder(read_model(FOLDER, KIND, SCHEMA))
    tea, other_tea, watch, other_watch = rows(encoder.encode([TEA, OTHER_TEA, WATCH, OTHER_WATCH]))
    assert min(tea @ other_tea, watch @ other_watch) > max(tea @ watch, tea @ other_watch, other_tea @ watch, other_tea @ other_watch)


def test_who_clicks_tea_is_nearer_to_tea_than_to_watches() -> None:
    files = read_model(FOLDER, KIND, SCHEMA)
    tea, other_tea, watch = OnnxItemEncoder(files).encode([TEA, OTHER_TEA, WATCH])
    found = OnnxUserEncoder(files).interests([Token(tea, 1.0, 60.0, "short")])
    likeness = rows([other_tea, watch]) @ np.frombuffer(found.vectors.values, "<f4").reshape(len(found), -1).T
    assert likeness[0].max() > likeness[1].max() + 0.1
