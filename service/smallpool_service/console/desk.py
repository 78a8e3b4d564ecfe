"""What the console holds besides the parts of the service: templates, words, assets, sessions; and one visit of a browser.

In: a request. Out: a `Visit`: who asks, in which language and light; pages in answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from smallpool_core.access import ApiKey, Role
from smallpool_core.errors import StoreError
from smallpool_core.ports import Clock
from smallpool_service.console import look
from smallpool_service.console.assets import Assets
from smallpool_service.console.sessions import LASTS_MS, Session, Sessions
from smallpool_service.console.vocabulary import Vocabulary
from smallpool_service.console.words import FOLDER, Language, Words, load_words, wanted_language
from smallpool_service.http.auth import Keyring, check_pool, granted, may_see
from smallpool_service.http.parts import ServiceParts
from smallpool_service.http.problems import HttpProblem

SESSION_COOKIE: Final = "smallpool_session"
LANGUAGE_COOKIE: Final = "smallpool_language"
THEME_COOKIE: Final = "smallpool_theme"
THEMES: Final = ("auto", "light", "dark")
FRAGMENT: Final = "hx-request"
GOING_BACK: Final = "hx-history-restore-request"


class LoginNeeded(Exception):
    """Nobody is logged in, or not any more."""


class Desk:
    """The console of one process."""

    def __init__(self, clock: Clock, vocabulary: Vocabulary, session_secret: str | None) -> None:
        self.sessions = Sessions(clock, session_secret)
        self.vocabulary = vocabulary
        self.assets = Assets()
        self.words: Mapping[Language, Words] = load_words()
        self.templates = Environment(
            loader=FileSystemLoader(FOLDER.parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        for filter_ in (look.yuan, look.when, look.number, look.percent, look.score, look.path, look.in_address, look.written):
            self.templates.filters[filter_.__name__] = filter_
        self.templates.globals["asset"] = self.assets.address


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser. `session` is None only before the log-in."""

    request: Request
    desk: Desk
    parts: ServiceParts
    words: Words
    session: Session | None

    @property
    def key(self) -> ApiKey:
        """The key that is logged in."""
        if self.session is None:
            raise LoginNeeded
        return self.session.key

    @property
    def author(self) -> str:
        """As whom the revisions of this key are signed; the same as over the API."""
        return f"{self.key.name} ({self.key.key_id})"

    @property
    def wants_fragment(self) -> bool:
        """Whether a part of a page is asked for and not the whole of it."""
        return FRAGMENT in self.request.headers and GOING_BACK not in self.request.headers

    def may(self, *roles: Role) -> bool:
        """Whether the key has one of the roles."""
        return not granted(self.key).isdisjoint(roles)

    def may_see(self, pool_id: str) -> bool:
        """Whether the pool is in the set that the key is limited to."""
        return may_see(self.key, pool_id)

    def check_pool(self, pool_id: str) -> None:
        """Raises `NotFound` for a pool outside the key's set."""
        check_pool(self.key, pool_id)

    def check_role(self, *roles: Role) -> None:
        """Raises a problem of status 403 where the key has none of the roles."""
        if not self.may(*roles):
            raise HttpProblem(403, "wrong-role", self.words("error.role", role=" / ".join(roles), has=", ".join(self.key.roles)))

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """The template as a page, or as a part of one."""
        theme = self.request.cookies.get(THEME_COOKIE)
        text = self.desk.templates.get_template(template).render(
            t=self.words,
            visit=self,
            theme=theme if theme in THEMES else "auto",
            csrf="" if self.session is None else self.session.token,
            now=self.parts.now(),
            **values,
        )
        return HTMLResponse(text.encode("utf-8", "replace"), status)

    def go(self, address: str) -> Response:
        """Sends the browser on, after a form."""
        if self.wants_fragment:
            return Response(status_code=204, headers={"HX-Redirect": address})
        return RedirectResponse(address, 303)


def visit_of(request: Request, session: Session | None) -> Visit:
    """The visit that a request is."""
    desk: Desk = request.app.state.desk
    parts: ServiceParts = request.app.state.parts
    chosen = wanted_language(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language", ""))
    return Visit(request, desk, parts, desk.words[chosen], session)


async def session_of(request: Request) -> Session | None:
    """The session of the cookie, whose key still stands; with the store of keys down the last known key does."""
    desk: Desk = request.app.state.desk
    keyring: Keyring = request.app.state.keyring
    try:
        session = desk.sessions.find(request.cookies.get(SESSION_COOKIE, ""), keyring.of_digest)
    except StoreError:
        return None
    request.state.session = session
    return session


def keep(response: Response, request: Request) -> None:
    """Lets the cookie say that the session of this request was used, where it has not for a while and nothing else was put into it."""
    desk: Desk = request.app.state.desk
    session: Session | None = getattr(request.state, "session", None)
    if session is not None and desk.sessions.is_due(session) and "set-cookie" not in response.headers:
        remember(response, request, session)


def needs(*roles: Role) -> Callable[[Request], Any]:
    """A dependency that gives the visit of somebody who is logged in with one of the roles."""

    async def visit(request: Request) -> Visit:
        session = await session_of(request)
        if session is None:
            raise LoginNeeded
        found = visit_of(request, session)
        found.check_role(*roles)
        return found

    return visit


Viewer = Annotated[Visit, Depends(needs("viewer"))]
Operator = Annotated[Visit, Depends(needs("operator"))]
Admin = Annotated[Visit, Depends(needs("admin"))]


def remember(response: Response, request: Request, session: Session) -> None:
    """Puts the session's note into a cookie that no script reads and no other site sends."""
    desk: Desk = request.app.state.desk
    response.set_cookie(
        SESSION_COOKIE,
        desk.sessions.note(session),
        max_age=LASTS_MS // 1000,
        path="/console",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
