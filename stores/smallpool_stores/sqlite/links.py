"""Which device is whose, one row a device, and the merge of what is kept of both, in one transaction.

In: a device and a user who were heard of together. Out: their link, and one person where there were two.
"""

from collections.abc import Collection
from sqlite3 import Connection

from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.linking import Link
from smallpool_core.users import Identity
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.profiles import move_profile
from smallpool_stores.sqlite.seen import move_seen
from smallpool_stores.sqlite.triggers import move_behaviour

TABLES = """
CREATE TABLE links (
    device TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX links_by_user ON links (user);
"""

_FIND = "SELECT user, at FROM links WHERE device = ?"


class SqliteLinks:
    """Identities as everywhere in the file; an erased user's stand as empty. A link that stands costs one read of one row."""

    def __init__(self, database: Database, behaviour: BehaviourSettings) -> None:
        self._database = database
        self._behaviour = behaviour

    async def link(self, device_id: str, user_id: str, at: int) -> bool:
        return self._linked(device_id, user_id, at)

    def link_now(self, device_id: str, user_id: str, at: int) -> None:
        self._linked(device_id, user_id, at)

    def known(self, device_ids: Collection[str]) -> dict[str, Link]:
        with translated(f"read the links of {len(device_ids)} devices"):
            rows = {one: self._database.connection.execute(_FIND, (_device(one),)).fetchone() for one in device_ids}
        return {one: Link(row[0].removeprefix("u:"), row[1]) for one, row in rows.items() if row is not None}

    def _linked(self, device_id: str, user_id: str, at: int) -> bool:
        device, user = _device(device_id), Identity(user_id, None).key
        with translated(f"link device {device_id!r} to user {user_id!r}"):
            if self._database.connection.execute(_FIND, (device,)).fetchone() is not None:
                return False
            with self._database.atomic():
                connection = self._database.connection
                if connection.execute("INSERT INTO links VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (device, user, at)).rowcount == 0:
                    return False
                moved = move_behaviour(connection, device, user, at, self._behaviour), move_profile(connection, device, user)
                return any([*moved, move_seen(connection, device, user)])


def erase_links(connection: Connection, identity: str) -> None:
    """A device forgets whose it was; a device of an erased user stays linked, to nobody. In the caller's transaction and translation."""
    connection.execute("DELETE FROM links WHERE device = ?", (identity,))
    connection.execute("UPDATE links SET user = '' WHERE user = ?", (identity,))


def _device(device_id: str) -> str:
    return Identity(None, device_id).key
