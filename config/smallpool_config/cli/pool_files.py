"""Pools as files: YAML, one pool a file, which operators keep under version control.

In: a file or a folder of them; pools. Out: checked `PoolFile`s, or `Refused` with every mistake of every file; files.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import yaml
from msgspec import UNSET, Struct, structs

from smallpool_core.catalogue import Catalogue
from smallpool_core.errors import Problem, Refused
from smallpool_core.pools import Pool, PoolDraft
from smallpool_service.operators import check_draft

SUFFIXES = (".yaml", ".yml")
MOST_NAME_BYTES = 200
"""Of a file's name before its suffix; file systems take names of 255 bytes."""
NAMES = ("pool_id", *PoolDraft.__struct_fields__)


class _EachOnce(yaml.SafeLoader):
    """Refuses a key that comes twice in one mapping: of a rule that was written twice one would silently be lost."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping."""
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"{twice[0]!r} comes twice in one mapping", node.start_mark)
        return super().construct_mapping(node, deep)


class PoolFile(Struct, frozen=True):
    """One pool as a file says it should be."""

    path: Path
    pool_id: str
    draft: PoolDraft


def read_pools(place: Path, catalogue: Catalogue) -> list[PoolFile]:
    """The pools of a file, or of all `.yaml` and `.yml` files of a folder, by pool_id. Raises `Refused` with every mistake."""
    problems: list[Problem] = []
    found = [pool for path in files_of(place) for pool in _read(path, catalogue, problems)]
    by_id: dict[str, Path] = {}
    for pool in found:
        first = by_id.setdefault(pool.pool_id, pool.path)
        if first != pool.path:
            problems.append(Problem(f"{pool.path}: pool_id", repr(pool.pool_id), f"{first} has it already; a pool is one file"))
    if problems:
        raise Refused(problems)
    return sorted(found, key=lambda pool: pool.pool_id)


def changes(draft: PoolDraft, stored: Pool) -> dict[str, tuple[Any, Any]]:
    """What the draft would change, by name: what is stored and what is wanted. What a file leaves out stays as it is."""
    wanted = {name: value for name, value in structs.asdict(draft).items() if value is not UNSET}
    return {name: (getattr(stored, name), value) for name, value in wanted.items() if getattr(stored, name) != value}


def write_pools(pools: Sequence[Pool], folder: Path) -> list[tuple[str, Path, bool]]:
    """Writes each pool to its file, the one that holds it already or a new one; gives id, file, and whether anything was written.

    Raises `Refused`, before anything is written, for a file of the folder that cannot be read: it may hold one of the pools.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = _held(folder)
    return [_written(pool, _place(pool.pool_id, folder, there)) for pool in pools]


def _held(folder: Path) -> dict[str, Path]:
    """Which file of the folder holds which pool."""
    problems: list[Problem] = []
    held: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in SUFFIXES:
            own: list[Problem] = []
            pool_id = mapping_of(path, own).get("pool_id")
            if isinstance(pool_id, str):
                held[pool_id] = path
            elif not own:
                own.append(Problem("pool_id", repr(pool_id), "each file of a folder of pools names its pool; mend this one or move it"))
            problems += in_file(path, own)
    if problems:
        raise Refused(problems)
    return held


def _place(pool_id: str, folder: Path, held: Mapping[str, Path]) -> Path:
    """The pool's file: the one that holds it, else a new one that holds no other."""
    name = _file_name(pool_id)
    free = folder / f"{name}.yaml"
    return held.get(pool_id, free if free not in held.values() else folder / f"{name}-{_digest(pool_id)}.yaml")


def _written(pool: Pool, path: Path) -> tuple[str, Path, bool]:
    values = {name: getattr(pool, name) for name in NAMES}
    text = yaml.safe_dump(msgspec.to_builtins(values), allow_unicode=True, sort_keys=False, default_flow_style=None, width=120)
    if path.is_file() and path.read_text("utf-8") == text:
        return pool.pool_id, path, False
    path.write_text(text, "utf-8")
    return pool.pool_id, path, True


def _file_name(pool_id: str) -> str:
    """The id with all but letters, digits, `-` and `_` percent-encoded; a name that would be too long ends in a digest instead."""
    name = "".join(one if one.isalnum() or one in "-_" else quote(one, safe="") for one in pool_id)
    if len(name.encode()) <= MOST_NAME_BYTES:
        return name
    return f"{name.encode()[:MOST_NAME_BYTES].decode('utf-8', 'ignore')}-{_digest(pool_id)}"


def _digest(pool_id: str) -> str:
    return sha256(pool_id.encode()).hexdigest()[:16]


def files_of(place: Path) -> list[Path]:
    """The file, or every YAML file of the folder; raises `Refused` where there is none."""
    if place.is_file():
        return [place]
    found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES)
    if not found:
        raise Refused([Problem(str(place), "no such file in it", "a folder that is applied holds files that end in .yaml")])
    return found


def _read(path: Path, catalogue: Catalogue, problems: list[Problem]) -> Iterator[PoolFile]:
    """The pool of one file, nothing where something is wrong with it."""
    own: list[Problem] = []
    values = mapping_of(path, own)
    pool = None if own else _pool_file(path, values, catalogue, own)
    problems += in_file(path, own)
    if pool is not None and not own:
        yield pool


def in_file(path: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The same mistakes with the file that they are in."""
    return [Problem(f"{path}: {problem.path}", problem.found, problem.message) for problem in problems]


def mapping_of(path: Path, problems: list[Problem], known: Sequence[str] = NAMES, what: str = "a pool") -> Mapping[str, Any]:
    """What a file says, with keys that are known; every mistake is added to the problems."""
    try:
        values = yaml.load(path.read_text("utf-8"), _EachOnce)  # noqa: S506, it is the safe loader, made stricter
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        problems.append(Problem("(file)", " ".join(str(error).split()) or type(error).__name__, f"one YAML mapping in UTF-8 is {what}"))
        return {}
    if not isinstance(values, dict):
        problems.append(Problem("(file)", type(values).__name__, f"{what} is a mapping with {', '.join(known)}"))
        return {}
    problems.extend(
        Problem(str(name), f"a key that is not of {what}", f"there are {', '.join(known)}") for name in values if name not in known
    )
    return values


def _pool_file(path: Path, values: Mapping[str, Any], catalogue: Catalogue, problems: list[Problem]) -> PoolFile | None:
    pool_id = values.get("pool_id")
    if not isinstance(pool_id, str):
        problems.append(Problem("pool_id", repr(pool_id), "a text that is not empty is required"))
    if "rule" not in values:
        problems.append(Problem("rule", "nothing", "a rule is required; {all: []} holds every item"))
    fields = {field.name: field.type for field in structs.fields(PoolDraft)}
    given: dict[str, Any] = {}
    for name in fields.keys() & values.keys():
        try:
            given[name] = msgspec.convert(values[name], fields[name])
        except (msgspec.ValidationError, RecursionError) as error:
            problems.append(Problem(name, type(values[name]).__name__, str(error)))
    draft = PoolDraft(**given)
    try:
        check_draft(catalogue, str(pool_id), draft)
    except Refused as error:
        problems.extend(error.problems)
    return None if problems else PoolFile(path, str(pool_id), draft)
