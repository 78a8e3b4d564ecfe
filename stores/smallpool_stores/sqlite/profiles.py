"""What the app tells us of a person, one row an identity.

In: a profile as the app sends it. Out: the same, until it is replaced or erased.
"""

from sqlite3 import Connection

from msgspec import msgpack

from smallpool_core.linking import joined_profiles
from smallpool_core.users import Profile
from smallpool_stores.sqlite.database import Database, translated

TABLES = """
CREATE TABLE profiles (
    identity TEXT PRIMARY KEY,
    profile BLOB NOT NULL
) WITHOUT ROWID;
"""

_PUT = "INSERT OR REPLACE INTO profiles VALUES (?, ?)"

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Profile).decode


class SqliteUserProfiles:
    """Profiles as msgpack by identity; a write is durable as the database's `synchronous` says."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, identity: str) -> Profile | None:
        with translated(f"read the profile of {identity!r}"):
            row = self._database.connection.execute("SELECT profile FROM profiles WHERE identity = ?", (identity,)).fetchone()
        return _decode(row[0]) if row is not None else None

    async def put(self, identity: str, profile: Profile) -> None:
        with self._database.atomic(), translated(f"write the profile of {identity!r}"):
            self._database.connection.execute(_PUT, (identity, _encode(profile)))


def erase_profile(connection: Connection, identity: str) -> None:
    """Deletes the profile, in the caller's transaction and translation of errors."""
    connection.execute("DELETE FROM profiles WHERE identity = ?", (identity,))


def move_profile(connection: Connection, device: str, user: str) -> bool:
    """Makes one profile of two, in the caller's transaction and translation of errors; whether there was one to move."""
    moved = connection.execute("DELETE FROM profiles WHERE identity = ? RETURNING profile", (device,)).fetchone()
    if moved is None:
        return False
    kept = connection.execute("SELECT profile FROM profiles WHERE identity = ?", (user,)).fetchone()
    profile = moved[0] if kept is None else _encode(joined_profiles(_decode(kept[0]), _decode(moved[0])))
    connection.execute(_PUT, (user, profile))
    return True
