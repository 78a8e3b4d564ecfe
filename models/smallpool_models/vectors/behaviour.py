"""What people did, as rows of item numbers, split into what is learnt from, what decides when to stop, and what nothing is learnt from.

In: a file of sequences, a folder of sessions, or rows that come from elsewhere. Out: a `Behaviour`. Of a sequence the last item is for the
test and the one before it for validation; of sessions a part of the training file, by a hash of the line, is for validation.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct

from smallpool_core.encoder_ports import Parts
from smallpool_core.errors import Problem, Refused
from smallpool_core.terms import term
from smallpool_models.evaluation.sessions import in_order, item_categories, session_lines
from smallpool_models.vectors.ragged import Ragged, RaggedWriter, ragged

BREAK: Final = 0
"""In a row of `train`: here the shopping path breaks off (a gap, a search, a purchase); what is before is not beside what is after."""
_FORM = "a line is: user item item ..., in the order of time and in UTF-8"


class Behaviour(Struct, frozen=True):
    """`items` are told by number, from 1 on; number 0 is none. Of a row of `dev` and `test` the last item is the one to be found, from
    those before it. `test` is never learnt from, nor is what a row of `train` would hold of it.
    """

    name: str
    sha256: str
    items: tuple[Parts, ...]
    train: Ragged
    dev: Ragged
    test: Ragged


def is_cold(item_id: str, share: float) -> bool:
    """Whether an item belongs to the `share` that is kept out of training, to measure what a model makes of new items: by its id alone."""
    return zlib.crc32(f"cold {item_id}".encode()) < share * 2**32


def read_sequences(file: Path, attributes: Path | None) -> Behaviour:
    """Lines of `user item item ...`, ids being any words; `attributes` is JSON, item to its attributes, in which items may be missing and
    further ones stand. Raises `Refused` for what is not of that form.
    """
    told = _attributes(attributes) if attributes else {}
    book = ItemBook(lambda item: Parts(terms=tuple(term("tag", str(one)) for one in told.get(item) or ()), item_id=item))
    train, dev, test = RaggedWriter(), RaggedWriter(), RaggedWriter()
    digest = hashlib.sha256()
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                digest.update(line)
                row = [book.number(item) for item in _sequence(f"{file}:{number}", line)]
                if len(row) > 2:
                    train.add(row[:-2])
                    dev.add(row[:-1])
                    test.add(row)
                elif row:
                    train.add(row[:1])
                    test.add(row)
    except OSError as error:
        raise Refused([Problem(str(file), error.strerror or "unreadable", "name a file of sequences")]) from error
    for item in told:
        book.number(item)
    return _whole(str(file), Behaviour(file.name, digest.hexdigest(), book.items, train.done(), dev.done(), test.done()))


def read_session_folder(folder: Path, item_category: Path | None) -> Behaviour:
    """`train.jsonl` and `test.jsonl` of a folder, and the category of each item, by default in `item_category.json` there, if there is one;
    an item that it lacks is of the category that a session names first, or of none.
    """
    told_there = folder / "item_category.json"
    categories = item_categories(item_category or told_there) if item_category or told_there.exists() else {}
    book = ItemBook(lambda item: _categorised(item, categories))
    train, dev, test = RaggedWriter(), RaggedWriter(), RaggedWriter()
    digest = hashlib.sha256()
    for name in ("train.jsonl", "test.jsonl"):
        for line in session_lines(folder / name):
            for item, category in line.categories:
                categories.setdefault(item, category)
            row = [book.number(item) for item in line.ids]
            if name == "test.jsonl":
                test.add(row)
                continue
            digest.update(msgspec.json.encode([*line.items, line.target]))
            (dev if line.decides else train).add(row)
    for item in in_order(categories):
        book.number(item)
    learnt, decides = _some_decide(train.done(), dev.done())
    return _whole(str(folder), Behaviour(folder.name, digest.hexdigest(), book.items, learnt, decides, test.done()))


def _some_decide(train: Ragged, dev: Ragged) -> tuple[Ragged, Ragged]:
    """Of few rows the hash may choose none: then the last that can be asked about decides."""
    fitting = np.flatnonzero(train.lengths > 1)
    if len(dev) or len(fitting) < 2:
        return train, dev
    return ragged(row for number, row in enumerate(train) if number != fitting[-1]), ragged([train[fitting[-1]]])


def without_items(behaviour: Behaviour, cold: Callable[[str], bool]) -> Behaviour:
    """The same without every item that is `cold` in what is learnt from and what decides when to stop; the test stays as it is. Raises
    `Refused` where nothing is left of either.
    """
    gone = {number for number, one in enumerate(behaviour.items, start=1) if cold(one.item_id)}
    train, dev = RaggedWriter(), RaggedWriter()
    for row in behaviour.train:
        train.add([number for number in row.tolist() if number not in gone])
    for row in behaviour.dev:
        kept = [number for number in row.tolist() if number not in gone]
        if row[-1] not in gone and len(kept) > 1:
            dev.add(kept)
    return _whole(behaviour.name, msgspec.structs.replace(behaviour, train=train.done(), dev=dev.done()))


class ItemBook:
    """Numbers items in the order in which they first come up, from 1 on."""

    def __init__(self, parts: Callable[[str], Parts]) -> None:
        self._parts = parts
        self._numbers: dict[str, int] = {}
        self._items: list[Parts] = []

    def number(self, item_id: str) -> int:
        """The number of an item, a new one where it has none."""
        found = self._numbers.get(item_id)
        if found is None:
            found = self._numbers[item_id] = len(self._numbers) + 1
            self._items.append(self._parts(item_id))
        return found

    @property
    def items(self) -> tuple[Parts, ...]:
        """By number, less 1."""
        return tuple(self._items)


def behaviour_of(name: str, rows: Iterable[Iterator[str] | list[str]], parts: Callable[[str], Parts]) -> Behaviour:
    """Rows of a marketplace's own: each a person's item ids in the order of time, `""` where the shopping path breaks off. Of a person with
    at least three items the last is for the test and the one before it for validation.
    """
    book = ItemBook(parts)
    train, dev, test = RaggedWriter(), RaggedWriter(), RaggedWriter()
    digest = hashlib.sha256()
    for row in rows:
        ids = list(row)
        digest.update("\0".join(ids).encode() + b"\n")
        numbers = [book.number(item) if item else BREAK for item in ids]
        kept = [number for number in dict.fromkeys(reversed(numbers)) if number][::-1]
        if len(kept) > 2:
            apart = set(kept[-2:])
            train.add([number for number in numbers if number not in apart])
            dev.add(kept[:-1])
            test.add(kept)
        elif numbers:
            train.add(numbers)
    return _whole(name, Behaviour(name, digest.hexdigest(), book.items, train.done(), dev.done(), test.done()))


def _whole(name: str, behaviour: Behaviour) -> Behaviour:
    if not len(behaviour.train.values) or not len(behaviour.dev):
        found = f"{len(behaviour.train)} rows to learn from, {len(behaviour.dev)} that decide when to stop"
        raise Refused([Problem(name, found, "people are wanted who touched at least three items; add more behaviour")])
    return behaviour


def _categorised(item: str, categories: Mapping[str, str]) -> Parts:
    return Parts(category=f"c{categories[item]}" if item in categories else "", item_id=item)


def _sequence(place: str, line: bytes) -> list[str]:
    try:
        items = [item.decode() for item in line.split()[1:]]
    except UnicodeDecodeError as error:
        raise Refused([Problem(place, repr(line[:60]), _FORM)]) from error
    if line.lstrip()[:1] in {b"{", b"["}:  # a file of sessions, or of something else
        raise Refused([Problem(place, repr(line[:60]), _FORM)])
    return items


def _attributes(file: Path) -> dict[str, list[int | float | str] | None]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, list[int | float | str] | None])
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused([Problem(str(file), str(error), 'attributes are {"item": [attribute, ...]}')]) from error
