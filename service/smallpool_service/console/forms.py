"""Forms as browsers send them, each with the token of its session.

In: a urlencoded body. Out: its fields; a problem of status 403 where the token is missing or another's.
"""

from collections.abc import Iterator
from hmac import compare_digest
from typing import Final
from urllib.parse import parse_qsl

from smallpool_core.errors import Problem, Refused
from smallpool_service.console.desk import Visit
from smallpool_service.http.bodies import read_body
from smallpool_service.http.problems import HttpProblem

CSRF: Final = "csrf"
MEDIA_TYPE: Final = "application/x-www-form-urlencoded"
MAX_FIELDS: Final = 20_000


class Form:
    """The fields of a form; one that comes several times has several values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __call__(self, name: str, otherwise: str = "") -> str:
        """The field without blanks around it, its last value where there are several."""
        return self._last.get(name, otherwise).strip()

    def all(self, name: str) -> list[str]:
        """Every value of the field."""
        return [value for known, value in self._pairs if known == name]

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)


async def read_form(visit: Visit) -> Form:
    """The form of somebody who is logged in."""
    form = await read_open_form(visit)
    if visit.session is None or not _same(form(CSRF), visit.session.token):
        raise forged(visit)
    return form


async def read_open_form(visit: Visit) -> Form:
    """A form whose token the caller checks."""
    media_type = visit.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise HttpProblem(415, "no-form", f"the body is {media_type[:40]!r}; a form is {MEDIA_TYPE}")
    body = await read_body(visit.request)
    try:
        return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise Refused([Problem("(form)", str(error), f"at most {MAX_FIELDS} fields are read")]) from None


def check_token(visit: Visit, sent: str, known: str) -> None:
    """Raises a problem of status 403 where what was sent is not what is known."""
    if not known or not _same(sent, known):
        raise forged(visit)


def forged(visit: Visit) -> HttpProblem:
    """The answer to a form that this console did not make."""
    return HttpProblem(403, "forged-form", visit.words("error.forged"))


def _same(sent: str, known: str) -> bool:
    return compare_digest(sent.encode("utf-8", "replace"), known.encode())
