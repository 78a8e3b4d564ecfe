"""A batch comes apart into its rows, and a bad row costs no other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smallpool_core.batches import split_batch
from smallpool_core.errors import Refused

JSON = "application/json"
NDJSON = "application/x-ndjson; charset=utf-8"
DEEP = b"[" * 20_000 + b"]" * 20_000


def test_ndjson_is_one_row_a_line_and_blank_lines_are_none() -> None:
    assert split_batch(b'\xef\xbb\xbf{"a":1}\r\n\n  \n{"b":2}\n{broken', NDJSON) == [b'{"a":1}', b'{"b":2}', b"{broken"]


def test_a_json_batch_gives_the_bytes_of_each_event() -> None:
    assert split_batch(b'{"sent": 1, "events": [ {"a": "x,]"} , 2, "" ]}', JSON) == [b'{"a": "x,]"}', b"2", b'""']


@pytest.mark.parametrize("bad", [b'{"price": NaN}', b"nonsense", b'{"t": "\\ud800"}', b"", DEEP, b'{"t": "a\nb"}', b'{"s": "\xff"}', b"00"])
def test_a_bad_row_of_a_json_batch_costs_no_neighbour(bad: bytes) -> None:
    body = b'{"events": [{"a": "[\\"{"}, ' + bad + b', {"b": [1, {"c": 2}]}], "more": []}'
    assert split_batch(body, JSON) == [b'{"a": "[\\"{"}', bad, b'{"b": [1, {"c": 2}]}']


def test_an_empty_batch_has_no_rows() -> None:
    assert split_batch(b'{"events": []}', JSON) == []
    assert split_batch(b"\n\n", NDJSON) == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[1, 2]", b'{"events": {}}', b'{"event": []}', b'{"events": [1, 2', b'{"events": [1, NaN]',
        b'{"x": {"events": [NaN]}}',
        b'{"a": 1}\n{"b": 2}', DEEP, b'{"events": ["' + b'\\"' * 50_000, b'"events": [NaN]}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused_with_what_is_allowed(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        split_batch(body, JSON)
    assert refused.value.problems[0].path == "(body)"
    assert "application/x-ndjson" in refused.value.problems[0].message


@pytest.mark.parametrize("second", [b"[]", b'[{"b": 2}]', b"null", b"3"])
def test_a_batch_that_has_its_events_twice_is_refused_and_loses_none_silently(second: bytes) -> None:
    for first in (b'[{"a": 1}]', b'[{"a": NaN}]'):
        with pytest.raises(Refused, match="`events` 2 times in one object"):
            split_batch(b'{"events": ' + first + b', "events": ' + second + b"}", JSON)


def test_events_inside_events_are_no_second_batch() -> None:
    row = b'{"events": [{"events": []}], "text": "\\"events\\": ["}'
    for bad in ([], [b"NaN"]):
        rows = [row, row, *bad]
        assert split_batch(b'{"of": {"events": 1}, "events": [' + b",".join(rows) + b'], "by": "\\"events\\""}', JSON) == rows


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(rows=st.lists(values, max_size=6), place=st.integers(0, 6))
def test_the_lenient_splitter_finds_the_rows_that_a_strict_one_finds(rows: list[object], place: int) -> None:
    texts = [json.dumps(row, indent=1).encode() for row in rows]
    texts.insert(place, b"NaN")
    assert split_batch(b'{"events": [' + b" , ".join(texts) + b"]}", JSON) == texts


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_lines_of_events_are_told_by_the_first_of_them_where_no_type_says_so(content_type: str) -> None:
    assert split_batch(b'{"type": "sold"}\nNaN\n\n{"b": 2}\n', content_type) == [b'{"type": "sold"}', b"NaN", b'{"b": 2}']
    assert split_batch(b'{"events": [{"type": "sold"}]}', content_type) == [b'{"type": "sold"}']
    with pytest.raises(Refused):
        split_batch(b"[1]\n{}", content_type)
