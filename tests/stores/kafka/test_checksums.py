"""What the client adds to every batch of records, and looks at in every batch that it reads."""

from kafka.record import util


def test_checksums_are_those_of_the_protocol_and_are_not_computed_byte_by_byte_in_python() -> None:
    assert util.calc_crc32c(b"123456789") == 0xE3069283
    assert util.crc32c_c is not None, "the client found no module in C: install the extra `distributed`, which brings crc32c"
