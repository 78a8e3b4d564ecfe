"""A process of its own that understands listings for another one, and the handle by which that one asks it.

In: listings, over a pair of sockets. Out: what they mean, or why not. The process reads the knowledge base and the models of the same
settings, keeps them up to date as any does, and ends when who started it does, in whatever way.
"""

import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Final

from msgspec import DecodeError, Struct, json, msgpack

from smallpool_config.settings import KnowledgeSettings, ModelSettings, Settings
from smallpool_config.tagging import ServedUnderstander
from smallpool_config.vector_models import vectors_of
from smallpool_core.errors import Refused
from smallpool_core.items import Given, Understood
from smallpool_models.registry.served import stamp_of
from smallpool_models.understanding import load_knowledge

PATIENCE_S: Final = 5.0
"""A batch takes a fraction of a second; who takes this long never comes back."""

log = logging.getLogger("smallpool.understanding")


class Asked(Struct, frozen=True, array_like=True):
    """Listings, and the version by which they are to be understood."""

    version: str
    given: list[Given]


class Answered(Struct, frozen=True, array_like=True):
    """What they mean, in order, by that version; nothing where another one is in force here, or what was raised."""

    understood: list[Understood] | None
    failure: str = ""


class Reads(Struct, frozen=True):
    """What an assistant has to read: a part of the settings."""

    knowledge: KnowledgeSettings
    models: ModelSettings


class AssistantFailed(Exception):
    """It is gone, hangs or cannot be started; what it was asked is to be done without it."""


class Assistant:
    """One such process. Safe for one thread at a time; it is of no use once it has failed."""

    def __init__(self, settings: Settings) -> None:
        """Starts it, and waits for nothing. Raises `AssistantFailed`."""
        reads = json.encode(Reads(settings.knowledge, settings.models)).decode()
        self._asked, theirs = Pipe()
        command = [sys.executable, "-m", "smallpool_config.assistant", str(theirs.fileno()), reads]
        try:
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603  our own module
        except OSError as error:
            self._asked.close()
            raise AssistantFailed(f"no process that understands listings can be started: {error}") from error
        finally:
            theirs.close()
        self._is_ready = False

    @property
    def process_id(self) -> int:
        """The operating system's number of it."""
        return self._process.pid

    def is_ready(self) -> bool:
        """Whether it has read all that it needs. Raises `AssistantFailed`."""
        if not self._is_ready and self._asked_something(0.0):
            self._received()
            self._is_ready = True
        return self._is_ready

    def ask(self, version: str, given: Sequence[Given]) -> None:
        """Hands it some listings; `answer` is to be called next. Raises `AssistantFailed`."""
        try:
            self._asked.send_bytes(msgpack.encode(Asked(version, [*given])))
        except OSError as error:
            raise AssistantFailed(f"process {self.process_id}, which understands listings, takes none: {error}") from error

    def answer(self) -> list[Understood] | None:
        """What they mean, in order; None where it goes by another version, or cannot bear them. Raises `AssistantFailed`."""
        if not self._asked_something(PATIENCE_S):
            raise AssistantFailed(f"process {self.process_id}, which understands listings, gave no answer in {PATIENCE_S:g} s")
        return self._received().understood

    def close(self) -> None:
        """Ends it, at once."""
        self._asked.close()
        self._process.kill()
        self._process.wait()

    def _asked_something(self, within_s: float) -> bool:
        try:
            return self._asked.poll(within_s)
        except OSError as error:
            raise self._gone() from error

    def _received(self) -> Answered:
        try:
            return msgpack.decode(self._asked.recv_bytes(), type=Answered)
        except (OSError, EOFError, DecodeError) as error:
            raise self._gone() from error

    def _gone(self) -> AssistantFailed:
        return AssistantFailed(f"process {self.process_id}, which understands listings, has ended: code {self._process.poll()}")


def assist(asked: Connection, understander: ServedUnderstander) -> None:
    """Answers until nobody can ask any more; the first answer, to nothing, says that it is ready."""
    with suppress(EOFError, OSError):
        asked.send_bytes(msgpack.encode(Answered([])))
        while True:
            question = msgpack.decode(asked.recv_bytes(), type=Asked)
            asked.send_bytes(msgpack.encode(_answer(question, understander)))


def _answer(question: Asked, understander: ServedUnderstander) -> Answered:
    if question.version != understander.version:
        understander.refresh()
    if question.version != understander.version:
        return Answered(None, f"{understander.version} is in force here")
    try:
        return Answered(understander.understand(question.given))
    except Exception as error:  # noqa: BLE001  whatever it is, who asked finds out by which listing
        return Answered(None, f"{type(error).__name__}: {error}")


def main(arguments: Sequence[str]) -> int:
    """The process: the number of its socket, and what it reads, as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C goes to all processes of a terminal; who started this one ends it
    asked = Connection(int(arguments[0]))
    reads = json.decode(arguments[1], type=Reads)
    try:
        stamp = stamp_of(reads.knowledge.path)
        settings = Settings(knowledge=reads.knowledge, models=reads.models)
        understander = ServedUnderstander(settings, load_knowledge(reads.knowledge.path), stamp, vectors_of(reads.models))
    except Refused as error:  # whoever started this one has read the same, so it changed in between
        log.warning("a process that understands listings cannot start: %s", error)
        return 1
    assist(asked, understander)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
