"""Vectors as questions bring them and as they are stored, and the check that keeps what is no vector out.

In: bytes of float32, or of whole parts of 1/127. Out: the same, checked, or the one made of the other; `VectorRefused` for NaN, infinity,
no length, another size, or vectors of another model.
"""

import sys
from array import array
from math import isfinite, sqrt
from typing import Final

from msgspec import Struct

from smallpool_core.errors import VectorRefused

FLOAT_BYTES: Final = 4
PARTS_OF_ONE: Final = 127
"""A coordinate of 1 in the bytes of a stored vector."""
UNIT_WITHIN: Final = 1e-3
"""So far may a length be from 1: what adding up float32 costs, with room."""

STORED_WITHIN: Final = 0.1
"""So far may the length of a stored vector be from 1: what rounding 512 coordinates to 1/127 costs, with room."""


class Vectors(Struct, frozen=True):
    """`values` is (k, dimensions) float32, little-endian, a row a vector, each of unit length; `model` names what made them."""

    model: str
    dimensions: int
    values: bytes

    def __len__(self) -> int:
        return len(self.values) // (FLOAT_BYTES * self.dimensions)


def packed_vector(values: list[float]) -> bytes:
    """A vector scaled to unit length, as float32, little-endian; raises `VectorRefused` where it has no length or is no vector."""
    length = sqrt(sum(value * value for value in values))
    if not isfinite(length) or length == 0:
        raise VectorRefused(f"could not scale a vector of length {length} to unit length; leave it out")
    packed = array("f", [value / length for value in values])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def check_vectors(vectors: Vectors, model: str, dimensions: int) -> None:
    """Raises `VectorRefused`, with what was found, unless these are unit vectors of this model and size."""
    if vectors.model != model:
        raise VectorRefused(f"the vectors are of model {vectors.model!r}, the index holds those of {model!r}: make them anew")
    wanted = FLOAT_BYTES * dimensions
    if vectors.dimensions != dimensions or len(vectors.values) % wanted:
        found = f"{len(vectors.values)} bytes of {vectors.dimensions} dimensions"
        raise VectorRefused(f"the vectors are {found}; the model {model!r} has {dimensions}, {wanted} bytes a vector")
    numbers = _floats(vectors.values)
    for place in range(len(vectors)):
        length = sqrt(sum(value * value for value in numbers[place * dimensions : (place + 1) * dimensions]))
        if not abs(length - 1) <= UNIT_WITHIN:  # true of NaN and infinity as well
            raise VectorRefused(f"vector {place} has length {length}; a vector of unit length is wanted")


def stored_vector(vector: bytes, dimensions: int) -> bytes:
    """A unit vector, (dimensions,) float32, as it is stored: a coordinate a byte, the nearest whole number of 1/127. Raises `VectorRefused`
    for what is no unit vector of that size.
    """
    check_vectors(Vectors("", dimensions, vector), "", dimensions)
    if len(vector) != FLOAT_BYTES * dimensions:
        raise VectorRefused(f"a vector of {dimensions} dimensions has {FLOAT_BYTES * dimensions} bytes; found {len(vector)}")
    return array("b", [round(PARTS_OF_ONE * value) for value in _floats(vector)]).tobytes()


def check_stored(stored: bytes, model: str, dimensions: int) -> None:
    """Raises `VectorRefused`, with what was found, unless this is a stored vector of a model of this size."""
    if len(stored) != dimensions:
        raise VectorRefused(f"the vector has {len(stored)} bytes; those of the model {model!r} have {dimensions}: embed the item anew")
    length = sqrt(sum([value * value for value in array("b", stored)])) / PARTS_OF_ONE
    if not abs(length - 1) <= STORED_WITHIN:
        raise VectorRefused(f"the vector of the model {model!r} has length {length:.3f}; 1 is wanted: embed the item anew")


def unit_vector(stored: bytes) -> bytes:
    """A stored vector as float32 of unit length; raises `VectorRefused` where it has no length."""
    return packed_vector([float(value) for value in array("b", stored)])


def _floats(values: bytes) -> "array[float]":
    numbers = array("f", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
