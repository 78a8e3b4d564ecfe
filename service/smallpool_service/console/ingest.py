"""How listings and behaviour come in: what waits, how old what is recallable may be, and events that could not be taken in.

In: the log. Out: lags and the age; dead letters with their reasons, and the way to send them again.
"""

from itertools import islice
from typing import Annotated, Any, Final

from fastapi import Query, Response
from msgspec import Struct

from smallpool_core.items import DeadLetter
from smallpool_core.pools import HOME
from smallpool_service.console.desk import Operator, Viewer, Visit
from smallpool_service.console.forms import read_form
from smallpool_service.console.routes import console_router
from smallpool_service.dead_letters import last_letter, letters_between, message_of, note_replayed, replayed_upto
from smallpool_service.http.health import readiness
from smallpool_service.http.problems import HttpProblem

SHOWN: Final = 50
AT_ONCE: Final = 1_000
"""Letters that one press of the button sends; more of them wait for another."""
SHOWN_BYTES: Final = 2_000

router = console_router()


class Letter(Struct, frozen=True):
    """A dead letter as it is shown; `value` is its message as text, or the beginning of it."""

    offset: int
    letter: DeadLetter
    value: str
    is_whole: bool
    was_sent: bool


@router.get("/ingest")
async def ingest(visit: Viewer, sent: Annotated[int, Query(ge=0)] = 0, cut: Annotated[int, Query(ge=0)] = 0) -> Response:
    """The page."""
    return visit.page("ingest.html", here="ingest", **_figures(visit), **_letters(visit), sent=sent, cut=cut)


@router.get("/ingest/figures")
async def figures(visit: Viewer) -> Response:
    """The figures alone, which the page asks for every few seconds."""
    return visit.page("part_ingest.html", **_figures(visit))


@router.post("/ingest/replay")
async def replay(visit: Operator) -> Response:
    """Sends one letter again, or all that were not sent again yet."""
    form = await read_form(visit)
    if visit.key.pools:
        raise HttpProblem(403, "limited-key", visit.words("ingest.limited"))
    log, wanted = visit.parts.recaller.ports.log, form("offset")
    is_one = wanted.isascii() and wanted.isdigit() and len(wanted) < 16
    after, last = (int(wanted) - 1, int(wanted)) if is_one else (replayed_upto(log), last_letter(log))
    sent = cut = 0
    for offset, letter in islice(letters_between(log, after, last), AT_ONCE):
        message = message_of(letter, visit.parts.now())
        if message is None:
            cut += 1
        else:
            await visit.parts.log.append(message.topic, [(message.key, message.value)], visit.parts.now())
            sent += 1
        if not is_one:
            note_replayed(log, offset)  # after the message: a crash between the two sends it twice, which changes nothing
    return visit.go(f"/console/ingest?sent={sent}&cut={cut}")


def _figures(visit: Visit) -> dict[str, Any]:
    ports = visit.parts.recaller.ports
    return {"ready": readiness(visit.parts), "on_sale": ports.live.size(HOME, visit.parts.now())}


def _letters(visit: Visit) -> dict[str, Any]:
    """The newest letters; a key that is limited to some pools is told of none, since letters belong to no pool."""
    if visit.key.pools:
        return {"letters": [], "waiting": 0, "total": 0, "is_limited": True}
    log = visit.parts.recaller.ports.log
    last, sent = last_letter(log), replayed_upto(log)
    newest = list(letters_between(log, max(-1, last - SHOWN), last))
    return {
        "letters": [_shown(offset, letter, sent) for offset, letter in reversed(newest)],
        "waiting": last - sent,
        "total": last + 1,
        "is_limited": False,
    }


def _shown(offset: int, letter: DeadLetter, sent: int) -> Letter:
    value = letter.value[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    return Letter(offset, letter, value, letter.size == len(letter.value), offset <= sent)
