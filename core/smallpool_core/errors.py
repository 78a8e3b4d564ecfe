"""The error tree; expected badness is a value (`DeadLetter`, `Dropped`, `SourceFailure`), not one of these.

SmallpoolError
├── Refused                 the caller's input breaks a documented limit; carries every problem found
│   ├── RuleRefused         a rule that is not a typed expression over the table of fields
│   ├── SettingsRefused     a settings file, or a setting of a pool
│   ├── KnowledgeRefused    a file of the domain knowledge base
│   ├── TitlesRefused       a file of labelled titles or of words from which nothing can be learnt
│   └── ModelRefused        a model's folder that is damaged, of another schema, or not what its manifest says
├── NotFound                no such pool, item or key
├── Conflict                the request is sound but the stored state forbids it
│   ├── RevisionStale       an operator edits a revision that is no longer the newest
│   ├── PoolNotLive         recall on a draft or archived pool
│   ├── PoolClosed          recall on a live pool outside the windows of its schedule
│   └── RequestIdReused     the same request_id with another body
├── StoreError
│   ├── StoreUnavailable    the store cannot be reached or answers too late; trying again may help
│   ├── StoreFull           the disk is full or read-only; trying again will not help
│   └── SchemaUnknown       the file was written by a version of smallpool that this one does not know
├── DirectoryLocked         another server holds the data directory
├── VectorRefused           a vector that is none, or not one of the index's model
└── DeadlinePassed          a request came in after its own deadline; nothing was asked of any store
"""

from collections.abc import Sequence

from msgspec import Struct


class Problem(Struct, frozen=True, omit_defaults=True):
    """One mistake in an input: where it is, what was found, and what is allowed. Where `messages` has a code for that, `code` and the
    `values` in it say the same for whoever says it in another language.
    """

    path: str
    found: str
    message: str
    code: str = ""
    values: dict[str, str] = {}

    def __str__(self) -> str:
        return f"{self.path or '(input)'}: found {self.found}; {self.message}"


class SmallpoolError(Exception):
    """Root of every error this project raises on purpose."""


class Refused(SmallpoolError):
    """The input breaks a documented limit; `problems` lists every mistake, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class RuleRefused(Refused):
    """A rule is not a typed expression over the table of fields."""


class SettingsRefused(Refused):
    """A settings file or a pool's settings hold something that is not allowed."""


class KnowledgeRefused(Refused):
    """A file of the domain knowledge base does not follow its documented format."""


class TitlesRefused(Refused):
    """A file of labelled titles, or of words, holds nothing that can be learnt from or measured on."""


class ModelRefused(Refused):
    """A model's folder is damaged, of another schema, or not what its manifest says; a model that served before goes on serving."""


class NotFound(SmallpoolError):
    """No such pool, item or key."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"no {kind} is named {name!r}")
        self.kind = kind
        self.name = name


class Conflict(SmallpoolError):
    """The request is sound, but what is stored forbids it."""


class RevisionStale(Conflict):
    """The revision that an operator edits is not the newest; `current` is."""

    def __init__(self, pool_id: str, expected: int, current: int, kind: str = "pool") -> None:
        super().__init__(
            f'{kind} {pool_id!r} is at revision {current}, not {expected}: read it again, merge your change, send If-Match "{current}"'
        )
        self.pool_id = pool_id
        self.expected = expected
        self.current = current


class PoolNotLive(Conflict):
    """Recall was asked of a pool in state `draft` or `archived`."""

    def __init__(self, pool_id: str, state: str) -> None:
        super().__init__(f"pool {pool_id!r} is {state}; only a live pool is recalled from")
        self.pool_id = pool_id
        self.state = state


class PoolClosed(Conflict):
    """Recall was asked of a live pool outside the windows of its schedule; `opens` says when it opens next, None for never."""

    def __init__(self, pool_id: str, opens: str | None) -> None:
        when = f"it opens next at {opens}" if opens is not None else "no window is left to come; change its schedule to open it"
        super().__init__(f"pool {pool_id!r} is closed by its schedule; {when}")
        self.pool_id = pool_id
        self.opens = opens


class RequestIdReused(Conflict):
    """A request_id came again with a different body."""

    def __init__(self, request_id: str) -> None:
        super().__init__(f"request_id {request_id!r} was used for another request in the last ten minutes; make a new one for each page")
        self.request_id = request_id


class StoreError(SmallpoolError):
    """A store failed; the message names the store, the operation and what to do."""


class StoreUnavailable(StoreError):
    """The store cannot be reached, is locked, or answers too late; trying again may help."""


class StoreFull(StoreError):
    """The disk is full or read-only; nothing was written."""


class SchemaUnknown(StoreError):
    """The file was written by a version of smallpool that this one does not know."""


class DirectoryLocked(SmallpoolError):
    """Another server holds the data directory."""


class VectorRefused(SmallpoolError):
    """A vector holds what is no number, has no length, another size or another model than the index; the index never takes it."""


class DeadlinePassed(SmallpoolError):
    """A request came in after its own deadline; nothing was asked of any store."""

    def __init__(self, late_ms: int) -> None:
        super().__init__(f"the request came {late_ms} ms after its deadline; allow it more time, or check the clocks of both sides")
        self.late_ms = late_ms
