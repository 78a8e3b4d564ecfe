"""API keys: listed, made with their secret shown once, revoked; for admins.

In: a name, roles, pools. Out: keys without their digests; one page that has the secret of a new key.
"""

from typing import Any, Final, cast

from fastapi import Response

from smallpool_core.access import ROLES, Role
from smallpool_core.errors import Problem
from smallpool_core.plain_text import text_problem
from smallpool_core.row_reader import MAX_ID, shown
from smallpool_service.console.desk import Admin, Visit
from smallpool_service.console.forms import Form, read_form
from smallpool_service.console.routes import console_router
from smallpool_service.http.auth import Keyring
from smallpool_service.http.bodies import MAX_LINE
from smallpool_service.http.keys import MAX_POOLS
from smallpool_service.keys import create_key

SHOWN: Final = 200

router = console_router()


@router.get("/keys")
async def keys(visit: Admin) -> Response:
    """All keys, the newest first."""
    return await _page(visit, Form([]))


@router.post("/keys")
async def make_key(visit: Admin) -> Response:
    """Makes a key, and shows its secret this once."""
    form = await read_form(visit)
    roles = [role for role in ROLES if role in form.all("role")]
    pools = form("pools").replace(",", " ").replace("，", " ").split()
    problems = (
        [Problem("name", shown(form("name")), visit.words("value.text", most=MAX_LINE))] if text_problem(form("name"), MAX_LINE) else []
    )
    if not roles:
        problems.append(Problem("roles", "–", visit.words("keys.role_missing")))
    if len(pools) > MAX_POOLS or any(text_problem(pool_id, MAX_ID) for pool_id in pools):
        problems.append(Problem("pools", shown(form("pools")), visit.words("value.text", most=MAX_ID)))
    if problems:
        return await _page(visit, form, 422, problems=problems)
    made = await create_key(visit.parts.keys, form("name"), cast("list[Role]", roles), pools, visit.parts.now())
    return await _page(visit, Form([]), made=made)


@router.post("/keys/revoke")
async def revoke_key(visit: Admin) -> Response:
    """Revokes a key; sessions that it began end with it."""
    form = await read_form(visit)
    await visit.parts.keys.revoke(form("key_id"), visit.parts.now())
    keyring: Keyring = visit.request.app.state.keyring
    keyring.forget()
    return visit.go("/console/keys")


async def _page(visit: Visit, form: Form, status: int = 200, **values: Any) -> Response:
    stored = await visit.parts.keys.all()
    shown_values = {"problems": [], "made": None} | values
    newest = sorted(stored, key=lambda key: (key.revoked_at is not None, -key.created_at, key.key_id))[:SHOWN]
    return visit.page("keys.html", status, here="keys", keys=newest, total=len(stored), roles=ROLES, form=form, **shown_values)
