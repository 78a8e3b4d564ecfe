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


GUITAR, PIANO = Parts("乐器›吉他贝斯"), Parts("乐器›键盘乐器")
COMIC, CHILDREN = Parts("图书›漫画"), Parts("图书›童书绘本")


def test_the_shipped_vectors_are_small_and_whole() -> None:
    files = read_model(FOLDER, KIND, SCHEMA)
    assert sum(len(content) for content in files.files.values()) < MOST_BYTES


def test_the_shipped_vectors_tell_instruments_from_books() -> None:
    encoder = OnnxItemEncoder(read_model(FOLDER, KIND, SCHEMA))
    guitar, piano, comic, children = rows(encoder.encode([GUITAR, PIANO, COMIC, CHILDREN]))
    assert min(guitar @ piano, comic @ children) > max(guitar @ comic, guitar @ children, piano @ comic, piano @ children)


def test_who_clicks_a_guitar_is_nearer_to_guitars_than_to_books() -> None:
    files = read_model(FOLDER, KIND, SCHEMA)
    guitar, piano, comic, children = OnnxItemEncoder(files).encode([GUITAR, PIANO, COMIC, CHILDREN])
    found = OnnxUserEncoder(files).interests([Token(guitar, 1.0, 60.0, "short")])
    likeness = (rows([guitar, piano, comic, children]) @ np.frombuffer(found.vectors.values, "<f4").reshape(len(found), -1).T).max(axis=1)
    assert likeness[0] > max(likeness[2:]) + 0.1
