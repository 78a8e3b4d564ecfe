"""Writing what an operator changed, on top of the revision that they saw.

In: a draft, a reason, a revision. Out: the pool's page; or, where somebody else was faster, what differs, and the same form once more.
"""

from fastapi import Response
from msgspec import Struct

from smallpool_core.errors import RevisionStale
from smallpool_core.pools import PoolDraft, drafted
from smallpool_service.console.desk import Visit
from smallpool_service.console.forms import CSRF, Form
from smallpool_service.console.look import in_address
from smallpool_service.console.outline import difference
from smallpool_service.operators import Change, save_pool

NOT_CARRIED = frozenset({CSRF, "revision"})


class Target(Struct, frozen=True):
    """Where a form of one pool goes, and which of its pages it belongs to."""

    pool_id: str
    tab: str

    @property
    def address(self) -> str:
        """The page of the form."""
        home = pool_address(self.pool_id)
        return home if self.tab == "rule" else f"{home}/{self.tab}"


def pool_address(pool_id: str) -> str:
    """The first page of a pool."""
    return f"/console/pools/{in_address(pool_id)}"


def revision_of(form: Form) -> int | None:
    """The revision that the form is a change of; None for a pool that is to be made, 0 where it makes no sense."""
    text = form("revision")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


async def save(visit: Visit, form: Form, target: Target, draft: PoolDraft) -> Response:
    """Writes the draft. Raises `Refused` with every mistake, and what `save_pool` raises of stores."""
    expected = revision_of(form)
    change = Change(visit.author, form("reason"), visit.parts.now(), expected)
    try:
        saved = await save_pool(visit.parts.recaller.ports, visit.parts.pools, target.pool_id, draft, change)
    except RevisionStale:
        if expected is None:
            raise
        return await _collided(visit, form, target, draft, expected)
    return visit.go(f"{target.address}?saved={saved.pool.revision}")


async def _collided(visit: Visit, form: Form, target: Target, draft: PoolDraft, expected: int) -> Response:
    """What the other one did since, what this change would do on top of it, and the form once more under the newest revision."""
    revisions = await visit.parts.pools.revisions(target.pool_id)
    newest = revisions[0]
    base = next((one.pool for one in revisions if one.pool.revision == expected), None)
    return visit.page(
        "collision.html",
        409,
        here="pools",
        target=target,
        newest=newest,
        expected=expected,
        theirs=difference(visit.words, base, newest.pool),
        mine=difference(visit.words, newest.pool, drafted(newest.pool, draft)),
        carried=[(name, value) for name, value in form if name not in NOT_CARRIED],
    )
