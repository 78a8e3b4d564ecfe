"""Splits the body of a batch into its rows, so that one bad row never costs its neighbours.

In: a request body, `{"events": [...]}` as JSON or one event a line as NDJSON. Out: the bytes of each row, unchecked;
rows count from 0, blank lines are none.
"""

import re
from collections.abc import Iterator

import msgspec

from smallpool_core.errors import Problem, Refused

JSON_TYPE = "application/json"
NDJSON_TYPES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_BOM = b"\xef\xbb\xbf"

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]|[,:]', re.DOTALL)
"""What gives JSON its shape: a string (an unfinished one runs to the end, so that the scan stays linear) or a sign."""


class _Batch(msgspec.Struct):
    events: msgspec.Raw


_batch_decoder = msgspec.json.Decoder(_Batch)
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_NAME = b'"events"'


def split_batch(body: bytes, content_type: str) -> list[bytes]:
    """The rows of a batch; raises `Refused` where the body as a whole has not the shape of one."""
    body = body.removeprefix(_BOM)
    kind = content_type.partition(";")[0].strip().lower()
    if kind in NDJSON_TYPES or (kind != JSON_TYPE and _begins_with_a_row(body)):
        return [line.strip() for line in body.split(b"\n") if line.strip()]
    try:
        events = _batch_decoder.decode(body).events
        if body.count(_NAME) > bytes(events).count(_NAME) + 1:
            _check_once(body)
        return [bytes(row) for row in _rows_decoder.decode(events)]
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return list(_rows(body))


def _begins_with_a_row(body: bytes) -> bool:
    """Whether the first line is an event by itself: so NDJSON looks whose sender named no type, or that of a form, as curl does."""
    try:
        row = msgspec.json.decode(body.lstrip().partition(b"\n")[0])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return isinstance(row, dict) and "type" in row


def _refused(found: str) -> Refused:
    allowed = f'{{"events": [...]}} as application/json, or one event a line as {NDJSON_TYPES[0]}, is allowed'
    return Refused([Problem("(body)", found, allowed)])


def _rows(body: bytes) -> Iterator[bytes]:
    """The elements of the array `events`, by brackets and strings alone: a row may be nested 20,000 deep, or hold NaN."""
    start = _start_of_events(body)
    _check_once(body)
    if not body.rstrip().endswith(b"}"):
        raise _refused(f"an object without its end, in {len(body)} bytes")
    depth = 0
    for token in _TOKEN.finditer(body, start):
        sign = token.group()
        if sign in b"[{":
            depth += 1
        elif sign in b"]}" and depth:
            depth -= 1
        elif depth == 0 and sign in b",]":
            row = body[start : token.start()].strip()
            if row or sign == b",":
                yield row
            start = token.end()
            if sign == b"]":
                return
    raise _refused(f"an array `events` without its end, in {len(body)} bytes")


def _start_of_events(body: bytes) -> int:
    """Where the first element of the outer object's `events` begins."""
    for place, sign in _values_named_events(body):
        if sign == b"[":
            return place
    raise _refused("no array `events` in a JSON object")


def _check_once(body: bytes) -> None:
    """Raises `Refused` where the outer object has `events` twice: whichever was taken, the rows of the other would be lost."""
    times = sum(1 for _ in _values_named_events(body)) if body.count(_NAME) > 1 else 1
    if times > 1:
        raise _refused(f"`events` {times} times in one object")


def _values_named_events(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The first sign of each value that the outer object has under the name `events`, and the place after it."""
    depth, name, last = 0, b"", b""
    for token in _TOKEN.finditer(body):
        sign = token.group()
        if depth == 1 and last == b":" and name == _NAME:
            yield token.end(), sign
        if depth == 1 and sign == b":":
            name = last
        if sign in b"[{":
            depth += 1
        elif sign in b"]}":
            depth -= 1
        last = sign
