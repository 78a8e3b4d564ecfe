"""The erasure of one person from every table that knows them, in one transaction.

In: an identity, and up to where in the log it is erased. Out: nothing is left of them but that note.
"""

from smallpool_core.places import Places
from smallpool_stores.sqlite.database import Database, translated
from smallpool_stores.sqlite.links import erase_links
from smallpool_stores.sqlite.profiles import erase_profile
from smallpool_stores.sqlite.seen import erase_seen
from smallpool_stores.sqlite.triggers import erase_behaviour


class SqlitePeople:
    """The port `People`; joins the transaction of `Database.atomic`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, identity: str, upto: Places, now: int) -> None:
        with self._database.atomic(), translated(f"erase {identity!r}"):
            connection = self._database.connection
            erase_behaviour(connection, identity, upto, now)
            erase_profile(connection, identity)
            erase_seen(connection, identity, None)
            erase_links(connection, identity)
