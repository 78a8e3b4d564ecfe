"""What a caller asks for: `RecallRequest`, checked here once for HTTP, the command line and tests alike."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from smallpool_core.errors import Problem, Refused
from smallpool_core.plain_text import text_problem
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_core.users import Identity
from smallpool_service.context import NOT_KNOWN, Context, context_problems

MAX_SIZE = 100
NOBODY = Identity(None, None)
_ENCODER = msgspec.json.Encoder(order="sorted")


class RecallRequest(Struct, frozen=True, kw_only=True):
    """One page asked for.

    `deadline_ms` is absolute (epoch ms); one that has passed is refused, unless it had not when the request was `admitted`: then a
    page is made all the same, and says so. A `dry_run` writes nothing anywhere and never replays. `buckets` are those that a tester asks
    for, as `experiment:bucket`; they are no part of the fingerprint.
    """

    pool_id: str
    identity: Identity = NOBODY
    size: int = 10
    request_id: str | None = None
    explain: bool = False
    dry_run: bool = False
    context: Context = NOT_KNOWN
    deadline_ms: int | None = None
    admitted: bool = False
    buckets: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Digest of everything that shapes the page: the body without request_id and explain, and without the deadline."""
        body = (self.pool_id, *self.identity, self.size, self.dry_run, self.context)
        return sha256(_ENCODER.encode(body)).hexdigest()[:32]


def check_request(request: RecallRequest) -> None:
    """Raises `Refused` with every limit that the request breaks."""
    problems = [problem for name, text in _ids(request) if (problem := _id_problem(name, text)) is not None]
    if not 1 <= request.size <= MAX_SIZE:
        problems.append(Problem("size", str(request.size), f"allowed is a whole number from 1 to {MAX_SIZE}"))
    problems += context_problems(request.context)
    if problems:
        raise Refused(problems)


def _ids(request: RecallRequest) -> list[tuple[str, str | None]]:
    user_id, device_id = request.identity
    return [("user_id", user_id), ("device_id", device_id), ("request_id", request.request_id)]


def _id_problem(name: str, text: str | None) -> Problem | None:
    """An id holds here what it may hold in an event, so that whoever clicked can ask for a page."""
    problem = None if text is None else text_problem(text, MAX_ID)
    return None if problem is None else Problem(name, shown(text), f"{problem}; leave it out if there is none")
