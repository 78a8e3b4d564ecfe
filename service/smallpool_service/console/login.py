"""Logging in with an API key, logging out, and how the console looks: its language and its light.

In: a key. Out: a session, or the reason why there is none. An address that tries many unknown keys has to wait, as over the API.
"""

import re
from secrets import token_urlsafe
from typing import Annotated, Final

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from smallpool_service.console.desk import LANGUAGE_COOKIE, SESSION_COOKIE, THEME_COOKIE, THEMES, Visit, remember, session_of, visit_of
from smallpool_service.console.forms import CSRF, check_token, read_form, read_open_form
from smallpool_service.console.routes import console_router
from smallpool_service.console.sessions import Session
from smallpool_service.console.words import LANGUAGES
from smallpool_service.http.auth import Keyring
from smallpool_service.http.failed_keys import FailedKeys

START: Final = "/console/pools"
LOGIN_COOKIE: Final = "smallpool_login"
YEAR_S: Final = 365 * 86_400
_OWN_ADDRESS: Final = re.compile(r"/console(?:/[^\s\\]*)?(?:\?[^\s\\]*)?")

router = console_router()
Back = Annotated[str, Query(max_length=4_000)]


@router.get("")
async def start() -> Response:
    """The first page."""
    return RedirectResponse(START, 303)


@router.get("/login")
async def login_page(request: Request, next_: Annotated[str, Query(alias="next", max_length=4_000)] = START) -> Response:
    """Asks for a key."""
    return _ask(visit_of(request, None), own_address(next_))


@router.post("/login")
async def login(request: Request) -> Response:
    """Begins a session for a key that may look at pools."""
    visit = visit_of(request, None)
    form = await read_open_form(visit)
    check_token(visit, form(CSRF), request.cookies.get(LOGIN_COOKIE, ""))
    target = own_address(form("next"))
    keyring: Keyring = request.app.state.keyring
    failed: FailedKeys = request.app.state.failed_keys
    address, secret = (request.client.host if request.client is not None else ""), form("key")
    wait_s = 0 if keyring.knows(secret) else failed.wait_s(address)
    if wait_s:
        response = _ask(visit, target, visit.words("login.wait", seconds=wait_s), 429)
        response.headers["Retry-After"] = str(wait_s)
        return response
    key = keyring.find(secret)
    if key is None or key.revoked_at is not None:
        failed.note(address)
        return _ask(visit, target, visit.words("login.unknown"), 401)
    session = visit.desk.sessions.begin(key)
    if not visit_of(request, session).may("viewer"):
        return _ask(visit, target, visit.words("login.role", has=", ".join(key.roles)), 403)
    return _welcome(request, session, target)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Ends the session."""
    session = await session_of(request)
    visit = visit_of(request, session)
    if session is not None:
        await read_form(visit)
    response = RedirectResponse("/console/login", 303)
    response.delete_cookie(SESSION_COOKIE, path="/console")
    return response


@router.get("/language/{language}")
async def language(language: str, back: Back = START) -> Response:
    """Speaks this language from now on."""
    return _preferring(LANGUAGE_COOKIE, language if language in LANGUAGES else "zh", back)


@router.get("/theme/{theme}")
async def theme(theme: str, back: Back = START) -> Response:
    """Is light, dark, or as the system is from now on."""
    return _preferring(THEME_COOKIE, theme if theme in THEMES else "auto", back)


def own_address(address: str) -> str:
    """The address where it is a page of the console, else the first page: no link leads elsewhere by way of the log-in."""
    is_own = _OWN_ADDRESS.fullmatch(address) is not None and "/.." not in address and not address.startswith("/console/log")
    return address if is_own else START


def _ask(visit: Visit, target: str, error: str = "", status: int = 200) -> Response:
    token = visit.request.cookies.get(LOGIN_COOKIE) or token_urlsafe(32)
    response = visit.page("login.html", status, target=target, error=error, token=token, here="login")
    response.set_cookie(
        LOGIN_COOKIE, token, path="/console/login", httponly=True, samesite="strict", secure=visit.request.url.scheme == "https"
    )
    return response


def _welcome(request: Request, session: Session, target: str) -> Response:
    response = RedirectResponse(target, 303)
    response.delete_cookie(LOGIN_COOKIE, path="/console/login")
    remember(response, request, session)
    return response


def _preferring(cookie: str, value: str, back: str) -> Response:
    response = RedirectResponse(own_address(back), 303)
    response.set_cookie(cookie, value, max_age=YEAR_S, path="/console", httponly=True, samesite="lax")
    return response
