"""What is understood of a listing is embedded as it will be stored; what is no vector costs the listing its vector alone."""

from collections.abc import Sequence
from math import inf, nan

import pytest

from encoder_rig import DIMENSIONS, HashedItems, floats
from smallpool_core.encoder_ports import Parts
from smallpool_core.items import VECTORS, Given
from smallpool_indexer.embed import embedded
from write_rig import understood

PHONE = Given("苹果 手机 #双卡", category=("数码", "手机"), seller_id="s1", city="杭州")


class Makes(HashedItems):
    """An encoder that makes one thing of everything."""

    def __init__(self, made: bytes) -> None:
        super().__init__()
        self.made = made

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        return [self.made for _ in items]


class FailsOn(HashedItems):
    """An encoder that cannot bear a word."""

    def encode(self, items: Sequence[Parts]) -> list[bytes]:
        if any("毒" in one.title_words for one in items):
            raise RuntimeError("the graph failed")
        return super().encode(items)


def test_who_sells_an_item_and_where_are_no_part_of_what_is_embedded() -> None:
    encoder = HashedItems()
    embedded([PHONE], [understood(PHONE)], encoder)
    assert encoder.asked == [Parts("数码›手机", ("brand:苹果", "point:双卡"), ("苹果", "手机", "#双卡"))]


def test_a_listing_has_a_byte_a_coordinate_and_names_its_model_beside_what_it_was_understood_by() -> None:
    [one] = embedded([PHONE], [understood(PHONE)], HashedItems("m-7"))
    assert len(one.vector) == DIMENSIONS
    assert one.versions == {**understood(PHONE).versions, VECTORS: "m-7"}


def test_a_listing_has_the_same_vector_alone_and_among_others() -> None:
    other = Given("和田玉 手串")
    [alone] = embedded([PHONE], [understood(PHONE)], HashedItems())
    assert embedded([other, PHONE], [understood(other), understood(PHONE)], HashedItems())[1].vector == alone.vector


@pytest.mark.parametrize(
    "made",
    [
        floats(*[nan] * DIMENSIONS),
        floats(inf, *[0.0] * (DIMENSIONS - 1)),
        floats(*[0.0] * DIMENSIONS),
        floats(1.0),
        floats(*[1.0] * DIMENSIONS),
        b"abc",
        b"",
    ],
    ids=["nan", "infinity", "zero", "too short", "not of unit length", "no floats", "nothing"],
)
def test_case_27_what_is_no_vector_is_not_stored_and_the_listing_is_taken_in(made: bytes) -> None:
    [one] = embedded([PHONE], [understood(PHONE)], Makes(made))
    assert (one.vector, one.versions[VECTORS]) == (b"", HashedItems().model)
    assert one.category == ("数码", "手机")


def test_a_listing_on_which_the_encoder_fails_costs_no_other_its_vector() -> None:
    poison = Given("毒 苹果", category=("数码", "手机"))
    found = embedded([PHONE, poison, PHONE], [understood(PHONE), understood(poison), understood(PHONE)], FailsOn())
    assert [len(one.vector) for one in found] == [DIMENSIONS, 0, DIMENSIONS]


def test_of_no_listings_nothing_is_asked() -> None:
    encoder = HashedItems()
    assert embedded([], [], encoder) == []
    assert encoder.asked == []
