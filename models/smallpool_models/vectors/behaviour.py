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
from msgspec import Struct

from smallpool_core.encoder_ports import Parts
from smallpool_core.errors import Problem, Refused
from smallpool_core.terms import term
from smallpool_models.evaluation.sessions import item_categories, session_lines
from smallpool_models.vectors.ragged import Ragged, RaggedWriter

BREAK: Final = 0
"""In a row of `train`: here the shopping path breaks off (a gap, a search, a purchase); what is before is not beside what is after."""
DEV_SHARE: Final = 0.05
_FORM = "a line is: user item item ..., in whole numbers above 0, in the order of time"


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
    """Lines of `user item item ...`; `attributes` is JSON, item to numbers. Raises `Refused` for what is not of that form."""
    told = _attributes(attributes) if attributes else {}
    book = ItemBook(lambda item: Parts(terms=tuple(term("tag", str(one)) for one in told.get(item, ())), item_id=item))
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
    """`train.jsonl` and `test.jsonl` of a folder, and the category of each item, by default in `item_category.json` there."""
    categories = item_categories(item_category or folder / "item_category.json")
    book = ItemBook(lambda item: _categorised(item, categories))
    train, dev, test = RaggedWriter(), RaggedWriter(), RaggedWriter()
    digest = hashlib.sha256()
    for name in ("train.jsonl", "test.jsonl"):
        for line in session_lines(folder / name):
            items = [*line.items, line.target]
            for item, category in zip(items, [*line.cats, line.target_cat], strict=False):
                categories.setdefault(item, category)
            row = [book.number(str(item)) for item in items]
            told = msgspec.json.encode(items)
            if name == "test.jsonl":
                test.add(row)
                continue
            digest.update(told)
            (dev if zlib.crc32(told) < DEV_SHARE * 2**32 and len(row) > 1 else train).add(row)
    for item in sorted(categories):
        book.number(str(item))
    return _whole(str(folder), Behaviour(folder.name, digest.hexdigest(), book.items, train.done(), dev.done(), test.done()))


def without_items(behaviour: Behaviour, cold: Callable[[str], bool]) -> Behaviour:
    """The same without every item that is `cold` in what is learnt from and what decides when to stop; the test stays as it is."""
    gone = {number for number, one in enumerate(behaviour.items, start=1) if cold(one.item_id)}
    train, dev = RaggedWriter(), RaggedWriter()
    for row in behaviour.train:
        train.add([number for number in row.tolist() if number not in gone])
    for row in behaviour.dev:
        kept = [number for number in row.tolist() if number not in gone]
        if row[-1] not in gone and len(kept) > 1:
            dev.add(kept)
    return msgspec.structs.replace(behaviour, train=train.done(), dev=dev.done())


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


def _categorised(item: str, categories: Mapping[int, int]) -> Parts:
    category = categories.get(int(item))
    return Parts(category="" if category is None else f"c{category}", item_id=item)


def _sequence(place: str, line: bytes) -> list[str]:
    items = line.decode("ascii", "replace").split()[1:]
    if line.strip() and not (items and all(item.isdecimal() for item in items)):
        raise Refused([Problem(place, repr(line[:60]), _FORM)])
    return items


def _attributes(file: Path) -> dict[str, list[int | str]]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, list[int | str]])
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused([Problem(str(file), str(error), 'attributes are {"item": [attribute, ...]}')]) from error
