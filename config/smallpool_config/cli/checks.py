"""What `smallpool doctor` looks at, each check a function that says what it found and what to do.

In: settings, a data directory. Out: `Finding`s in the order in which things stand on each other. Nothing is created or changed.
"""

import asyncio
import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from smallpool_config.cli import admin_key
from smallpool_config.cli.screen import span
from smallpool_config.settings import load_settings
from smallpool_config.wiring import System, open_system
from smallpool_core.errors import SmallpoolError
from smallpool_core.events import BEHAVIOUR_GROUP, INDEXER_GROUP
from smallpool_core.places import behind
from smallpool_core.pools import HOME
from smallpool_core.ports import Topic
from smallpool_service.dead_letters import REPLAY_GROUP
from smallpool_stores.sqlite.database import LIBRARY_VERSION

Status = Literal["ok", "warn", "fail"]
PYTHON_NEEDED = (3, 11)
SQLITE_NEEDED = (3, 38, 0)
"""The first with JSON functions built in, upserts and partial indexes."""
DISK_SHORT_BYTES = 1 << 30
DISK_FULL_BYTES = 100 << 20
LATE_MS = 2_000
FEW = 5


class Finding(Struct, frozen=True, omit_defaults=True):
    """One check: `found` is what is, `advice` what to do about it."""

    check: str
    status: Status
    found: str
    advice: str = ""


def examine(config: Path | None, data: Path | None) -> list[Finding]:
    """Every check; those that stand on one that failed are left out."""
    findings = [_python(), _sqlite()]
    try:
        settings = load_settings(config, os.environ)
    except SmallpoolError as error:
        return [*findings, Finding("settings", "fail", str(error), "mend the file, or the environment variable, that is named")]
    if data is not None:
        settings = replace(settings, store=replace(settings.store, directory=str(data)))
    findings.append(Finding("settings", "ok", f"{config or 'as shipped'}, wiring {settings.wiring}"))
    system = open_system(settings)
    try:
        findings.append(_guarded("knowledge", lambda: _knowledge(system)))
        if system.directory_kept is not None:
            findings += _directory(system.directory_kept, system)
            if not system.has_data():
                return findings
        return [*findings, *_stores(system)]
    finally:
        system.close()


def _guarded(check: str, look: Callable[[], Finding]) -> Finding:
    """The finding, or the failure to find out."""
    try:
        return look()
    except SmallpoolError as error:
        return Finding(check, "fail", str(error))


def _python() -> Finding:
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < PYTHON_NEEDED:
        return Finding("python", "fail", found, "smallpool needs Python 3.11 or later")
    return Finding("python", "ok", found)


def _sqlite() -> Finding:
    found = ".".join(map(str, LIBRARY_VERSION))
    if LIBRARY_VERSION < SQLITE_NEEDED:
        return Finding("sqlite", "fail", found, "SQLite 3.38 or later is needed; use a newer Python")
    return Finding("sqlite", "ok", found)


def _knowledge(system: System) -> Finding:
    base = system.knowledge
    counts = f"{len(base.categories)} categories, {len(base.products):,} products, {len(base.brands)} brands"
    return Finding("knowledge", "ok", f"version {base.version}: {counts}")


def _directory(directory: Path, system: System) -> Iterator[Finding]:
    yield _place(directory)
    if not directory.is_dir():
        return
    yield _disk(directory)
    if (directory / admin_key.FILE).exists():
        yield _admin_key(directory / admin_key.FILE)
    if not system.has_data():
        yield Finding("store", "warn", "nothing is stored yet", "begin with `smallpool publish FILE` or `smallpool serve`")


def _stores(system: System) -> Iterator[Finding]:
    stores = [_guarded(name, lambda name=name, ask=ask: _store(name, ask(), system)) for name, ask in system.amiss().items()]  # type: ignore[misc]
    yield from stores
    if any(store.status == "fail" for store in stores):
        return
    checks = {
        "server": _server,
        "item events": _items,
        "user events": _behaviour,
        "pools": _pools,
        "dead letters": _dead_letters,
        "keys": _keys,
    }
    for name, look in checks.items():
        yield _guarded(name, lambda look=look: look(system))  # type: ignore[misc]


def _place(directory: Path) -> Finding:
    name = str(directory.absolute())
    if not directory.exists():
        above = next(parent for parent in directory.absolute().parents if parent.exists())
        if os.access(above, os.W_OK):
            return Finding("directory", "warn", f"{name} is not there yet", "it is made by the first command that stores something")
        return Finding("directory", "fail", f"{name} is not there, and {above} is not writable", "name another one with --data DIR")
    if not directory.is_dir():
        return Finding("directory", "fail", f"{name} is no directory", "name another one with --data DIR")
    if not os.access(directory, os.W_OK | os.X_OK):
        return Finding("directory", "fail", f"{name} is not writable", "give this user the right to write in it")
    return Finding("directory", "ok", name)


def _disk(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    found = f"{free / 1e9:,.1f} GB free"
    if free < DISK_FULL_BYTES:
        return Finding("disk", "fail", found, "make room: no event can be acknowledged when the disk is full")
    if free < DISK_SHORT_BYTES:
        return Finding("disk", "warn", found, "make room before it is full")
    return Finding("disk", "ok", found)


def _admin_key(file: Path) -> Finding:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return Finding("admin key", "warn", f"{file} has mode {mode:04o}", f"others may read it: chmod 600 {file}")
    return Finding("admin key", "ok", f"{file}, mode {mode:04o}")


def _store(name: str, wrong: Sequence[str], system: System) -> Finding:
    return Finding(name, "fail", "; ".join(wrong)) if wrong else Finding(name, "ok", f"answers, and is as it should be: {system.place}")


def _server(system: System) -> Finding:
    if system.has_writer():
        return Finding("server", "ok", "a process takes in events")
    return Finding("server", "ok", "none runs; commands take in events themselves")


def _items(system: System) -> Finding:
    waiting = _waiting(system, "item-events", INDEXER_GROUP)
    return _lag("item events", waiting, system.oldest_waiting_ms() or 0, is_served=system.has_writer())


def _behaviour(system: System) -> Finding:
    return _lag("user events", _waiting(system, "user-events", BEHAVIOUR_GROUP), 0, is_served=system.has_writer())


def _waiting(system: System, topic: Topic, group: str) -> int:
    """Events that the group has not passed: asked for now, since a process that has just begun knows of no lag."""
    end = system.log.end(topic)
    return behind(system.log.committed(topic, group), end)


def _lag(check: str, waiting: int, age_ms: int, *, is_served: bool) -> Finding:
    if not waiting:
        return Finding(check, "ok", "none waits")
    found = f"{waiting:,} wait" + (f", the oldest for {span(age_ms)}" if age_ms else "")
    if not is_served:
        return Finding(check, "warn", found, "`smallpool index --once` takes them in")
    if age_ms > LATE_MS:
        return Finding(check, "warn", found, "the server is behind: look at its output and at /metrics")
    return Finding(check, "ok", found)


def _pools(system: System) -> Finding:
    system.catalogue.refresh()
    known, untagged = system.catalogue.all(), len(system.catalogue.untagged())
    found = f"{sum(one.pool.state == 'live' for one in known):,} live of {len(known):,}, besides {HOME}"
    refused = system.catalogue.refused()
    if refused:
        names = ", ".join(known.pool.pool_id for known in refused[:FEW])
        advice = "declare again what the rules name, or correct them; then save the pools once more"
        return Finding("pools", "fail", f"{found}; the rules of {len(refused):,} cannot be read: {names} ({refused[0].refused})", advice)
    if untagged:
        return Finding("pools", "warn", f"{found}; {untagged:,} are being brought up to date", "`smallpool pools backfill` waits for it")
    return Finding("pools", "ok", found)


def _dead_letters(system: System) -> Finding:
    end = system.log.end("dead-letters")
    there = sum(offset + 1 for offset in end.values())
    unsent = behind(system.log.committed("dead-letters", REPLAY_GROUP), end)
    if unsent:
        return Finding(
            "dead letters", "warn", f"{unsent:,} not sent again, of {there:,}", "`smallpool dead-letters list` says why each is one"
        )
    return Finding("dead letters", "ok", f"{there:,}, all sent again" if there else "none")


def _keys(system: System) -> Finding:
    keys = asyncio.run(system.keys.all())
    if not keys:
        return Finding("keys", "ok", "none yet; the first `smallpool serve` makes an admin's")
    if not any("admin" in key.roles and key.revoked_at is None for key in keys):
        return Finding("keys", "warn", f"{len(keys)}, none of an admin", "`smallpool keys create NAME --role admin` makes one")
    return Finding("keys", "ok", f"{len(keys)}, an admin's among them")
