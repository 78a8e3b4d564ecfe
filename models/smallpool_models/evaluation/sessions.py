"""Public sessions and ratings as what happened on a site: its items, what people did for training, and what is asked of them in a test.

In: a folder as `sessions/*` or `interactions/ml_100k` of the shared data. Out: a `Site`. Neither kind of session file has times: the
order of lines is taken for the order of time. Ratings have times, and are split by them.
"""

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isfinite, nan
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from smallpool_core.errors import Problem, Refused

TEST_SHARE: Final = 0.2
"""The share of ratings that is for the test, the latest ones; and of what is for training, where it is split for tuning."""
DEV_SHARE: Final = 0.05
"""The share of the sessions for training that no model of vectors learns from: they decide when its training stops."""
HISTORY: Final = 20
"""So many of the latest items of a person are what is known of them when they are asked about."""


class Session(Struct, frozen=True):
    """What one person touched, oldest first, and the item that came next."""

    history: tuple[str, ...]
    target: str


class SiteItem(Struct, frozen=True):
    """What the data say of an item."""

    category: tuple[str, ...]
    tags: tuple[str, ...] = ()


class Site(Struct, frozen=True):
    """Items by id; what was done for training, (person, item) in the order of time; sessions of the test in the order of the file."""

    name: str
    items: Mapping[str, SiteItem]
    acts: Sequence[tuple[str, str]]
    test: Sequence[Session]

    @property
    def first_seen(self) -> dict[str, int]:
        """By item the place in `acts` at which it first came up; what never did is as new as can be, at the end."""
        places: dict[str, int] = {}
        for place, (_, item_id) in enumerate(self.acts):
            places.setdefault(item_id, place)
        return {item_id: places.get(item_id, len(self.acts)) for item_id in self.items}


Name = int | str
"""Of an item or a category, as a file has it."""


class SessionLine(Struct):
    """One line of a file of sessions: items with their categories, oldest first, and the item that came next. Categories may be missing."""

    items: list[Name]
    target: Name
    cats: list[Name | None] = []
    target_cat: Name | None = None

    @property
    def ids(self) -> list[str]:
        """All items, the target last."""
        return [*map(str, self.items), str(self.target)]

    @property
    def categories(self) -> Iterator[tuple[str, str]]:
        """Items whose category it tells, each with that."""
        told = (*zip(self.items, self.cats, strict=False), (self.target, self.target_cat))
        return ((str(item), str(category)) for item, category in told if category is not None)

    @property
    def decides(self) -> bool:
        """Whether a training of vectors leaves it for validation: by a hash of its items."""
        return len(self.items) > 0 and zlib.crc32(msgspec.json.encode([*self.items, self.target])) < DEV_SHARE * 2**32


def read_sessions(folder: Path, item_category: Path, *, tuning: bool = False, unlearnt: bool = False) -> Site:
    """`train.jsonl` and `test.jsonl` of a folder, and the category of each item. A session of the test that stands in the training
    file as a whole is left out. For `tuning` the last fifth of the training file is the test, or with `unlearnt` those sessions of the
    training file that no model of vectors learns from, and the rest is for training. Raises `Refused` where a file is not of that form.
    """
    train = list(session_lines(folder / "train.jsonl"))
    begun = int(len(train) * (1 - TEST_SHARE))
    if tuning and unlearnt:
        train, test = [line for line in train if not line.decides], [line for line in train if line.decides]
        if not test:
            found = f"{len(train)} sessions, of which a training of vectors leaves none for validation"
            raise Refused([Problem(str(folder / "train.jsonl"), found, "weights beside a model want more sessions: some hundreds")])
    elif tuning:
        train, test = train[:begun], train[begun:]
    else:
        test = list(session_lines(folder / "test.jsonl"))
    categories = item_categories(item_category)
    for line in (*train, *test):
        for item, category in line.categories:
            categories.setdefault(item, category)
    ids = dict.fromkeys((*categories, *(item for line in (*train, *test) for item in line.ids)))
    known = {tuple(line.ids) for line in train}
    return _site(
        folder,
        items={item: SiteItem((f"c{categories[item]}" if item in categories else "unknown",)) for item in in_order(ids)},
        acts=[(f"train-{place}", item) for place, line in enumerate(train) for item in line.ids],
        test=[Session(tuple(line.ids[:-1][-HISTORY:]), str(line.target)) for line in test if tuple(line.ids) not in known],
    )


def read_interactions(folder: Path, *, tuning: bool = False) -> Site:
    """`*.inter` and `*.item` of a folder, tab-separated as RecBole writes them: the first four fifths of all ratings by time are for
    training, each later one of a person who rated something before is a session of the test. Any rating counts, good or bad. For
    `tuning` those first four fifths alone are split likewise.
    """
    rated = _only(folder, "*.inter")
    rows = sorted(_table(rated, ("user_id:token", "item_id:token", "timestamp:float")), key=lambda row: _time(rated, row[2]))
    rows = rows[: int(len(rows) * (1 - TEST_SHARE))] if tuning else rows
    begun = int(len(rows) * (1 - TEST_SHARE))
    behind: dict[str, list[str]] = {}
    test = []
    for place, (user, item, _) in enumerate(rows):
        if place >= begun and behind.get(user):
            test.append(Session(tuple(behind[user][-HISTORY:]), item))
        behind.setdefault(user, []).append(item)
    genres = {item: classes.split() for item, classes in _table(_only(folder, "*.item"), ("item_id:token", "class:token_seq"))}
    return _site(
        folder,
        items={item: SiteItem((classes[0],) if classes else ("unknown",), tuple(classes)) for item, classes in genres.items()},
        acts=[(user, item) for user, item, _ in rows[:begun]],
        test=[session for session in test if session.target in genres],
    )


def _site(folder: Path, items: Mapping[str, SiteItem], acts: Sequence[tuple[str, str]], test: Sequence[Session]) -> Site:
    if not items:
        raise Refused([Problem(str(folder), "no items", "name a folder whose files have rows of items and of what people did")])
    if not acts:
        raise Refused(
            [
                Problem(
                    str(folder), "nothing that is for training", "more rows of what people did are wanted, of which a part is left to learn"
                )
            ]
        )
    return Site(folder.name, items, acts, test)


def _time(file: Path, told: str) -> float:
    try:
        time = float(told)
    except ValueError:
        time = nan
    if not isfinite(time):
        raise Refused([Problem(str(file), f"the timestamp {told!r}", "a timestamp is a number of seconds; correct or remove the row")])
    return time


def session_lines(file: Path) -> Iterator[SessionLine]:
    """The lines of a file of sessions. Raises `Refused` where one is not of that form."""
    decoder = msgspec.json.Decoder(SessionLine)
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield decoder.decode(line)
                except msgspec.MsgspecError as error:
                    raise Refused([Problem(f"{file}:{number}", str(error), _FORM)]) from error


_FORM: Final = 'a line is {"items": [1, 2], "cats": [7, 7], "target": 3, "target_cat": 7}'


def item_categories(file: Path) -> dict[str, str]:
    """The first category of each item that has one."""
    try:
        told = msgspec.json.decode(file.read_bytes(), type=dict[str, list[Name | None] | Name | None])
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused([Problem(str(file), str(error), 'the file of categories is {"item": [category]}')]) from error
    first = {item: next(iter(one), None) if isinstance(one, list) else one for item, one in told.items()}
    return {item: str(category) for item, category in first.items() if category is not None}


def in_order(ids: Iterable[str]) -> list[str]:
    """Ids in an order of their own; numbers by what they are worth."""
    return sorted(ids, key=lambda one: (len(one), one))


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise Refused([Problem(str(folder), f"{len(found)} files {pattern}", "a folder of interactions holds one .inter and one .item")])
    return found[0]


def _table(file: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Those columns of each row."""
    with _opened(file) as lines:
        rows = csv.reader((line.decode(errors="replace") for line in lines), delimiter="\t", quoting=csv.QUOTE_NONE)
        header = next(rows, [])
        if missing := [name for name in columns if name not in header]:
            raise Refused([Problem(str(file), f"no column {', '.join(missing)}", f"the first line names {', '.join(columns)}")])
        places = [header.index(name) for name in columns]
        for row in filter(None, rows):
            if len(row) <= max(places):
                raise Refused([Problem(f"{file}:{rows.line_num}", f"{len(row)} columns", f"{len(header)} are wanted, separated by tabs")])
            yield tuple(row[place] for place in places)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise Refused([Problem(str(file), error.strerror or "unreadable", "name a folder that holds this file")]) from error
