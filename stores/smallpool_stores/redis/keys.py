"""How keys are named: whatever an id holds, each has keys of its own, and all keys of one person lie in one slot of a cluster.

In: ids. Out: names of keys. An id is hashed (BLAKE2b, 128 bits), so that braces, colons or NUL in it mean nothing, no id can be
made up to fall on another's keys, and a list of keys tells nobody's name.
"""

from base64 import urlsafe_b64encode
from hashlib import blake2b

from msgspec import Struct


def digest(kind: str, text: str) -> str:
    """22 characters that stand for this id of this kind."""
    hashed = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, person=kind.encode())
    return urlsafe_b64encode(hashed.digest())[:22].decode()


class PersonKeys(Struct, frozen=True):
    """The keys of one person; `base` ends with the hash tag that they share.

    `seen` and `page` are names: added to `base` they are keys, and the index of a person lists them.
    """

    base: str

    @property
    def index(self) -> str:
        """Sorted set: names of this person's seen lists and pages, by the time (ms) at which each ends, +inf where that is not known."""
        return f"{self.base}i"

    @property
    def state(self) -> str:
        """String: the trigger state."""
        return f"{self.base}t"

    @property
    def marks(self) -> str:
        """String: the marks of events that were applied."""
        return f"{self.base}m"

    @property
    def erasure(self) -> str:
        """String: up to where in the log what this person did is erased."""
        return f"{self.base}e"

    @property
    def profile(self) -> str:
        """String: the profile."""
        return f"{self.base}f"

    @property
    def link(self) -> str:
        """String: whose this device is."""
        return f"{self.base}l"

    @property
    def parked(self) -> str:
        """Hash: what was kept of this device when it was linked, by the names of its keys, until that is merged."""
        return f"{self.base}k"

    @property
    def devices(self) -> str:
        """Hash: this user's devices, each with the link by which what was kept of it is merged, empty before."""
        return f"{self.base}d"

    def seen(self, pool_id: str) -> str:
        """Name of a string: what was served in one pool."""
        return f"s{digest('pool', pool_id)}"

    def page(self, pool_id: str, request_id: str) -> str:
        """Name of a list: one page."""
        return f"p{digest('pool', pool_id)}{digest('request', request_id)}"


def is_of_pool(name: str, pool_id: str) -> bool:
    """Whether a name from the index is a seen list or a page of this pool."""
    return name[1:].startswith(digest("pool", pool_id))


class PoolKeys(Struct, frozen=True):
    """The keys of one pool's statistics; `base` ends with the hash tag that they share."""

    base: str

    @property
    def offsets(self) -> str:
        """Hash: the last offset applied, by partition."""
        return f"{self.base}o"

    @property
    def items(self) -> str:
        """Sorted set: items by the negated log2 of their decayed weight."""
        return f"{self.base}i"

    @property
    def terms(self) -> str:
        """Sorted set: terms, likewise."""
        return f"{self.base}t"

    @property
    def exposures(self) -> str:
        """Sorted set: items by the negated log2 of their decayed exposures."""
        return f"{self.base}x"

    @property
    def totals(self) -> str:
        """Sorted set: what weights and exposures of all items add up to, likewise."""
        return f"{self.base}a"

    def hour(self, hour: int) -> str:
        """Hash: events by `type:item_id` in one hour since 1970."""
        return f"{self.base}h{hour}"


class Keys(Struct, frozen=True):
    """Names every key of one installation."""

    prefix: str

    def person(self, identity: str) -> PersonKeys:
        """The keys of one person."""
        return PersonKeys(f"{self.prefix}{{{digest('person', identity)}}}")

    def pool(self, pool_id: str, half_life_ms: float) -> PoolKeys:
        """The keys of one pool's statistics with this half-life; weights of two half-lives cannot be added."""
        return PoolKeys(f"{self.prefix}{{{digest('pool', pool_id)}}}{half_life_ms:.17g}:")

    def figures(self, pool_id: str) -> str:
        """Hash: what was counted in one pool, by `kind.hour`."""
        return f"{self.prefix}{{{digest('pool', pool_id)}}}f"

    @property
    def alerts(self) -> str:
        """String: all alerts."""
        return f"{self.prefix}alerts"

    @property
    def turn(self) -> str:
        """String: there while somebody has the turn to judge."""
        return f"{self.prefix}turn"

    def pools_of_item(self, item_id: str) -> str:
        """Sorted set, all of score 0 (short ones take less than a set): pools in which an item has weight or was shown; not the site."""
        return f"{self.prefix}{{{digest('item', item_id)}}}w"

    def listing(self, item_id: str) -> str:
        """String: what one listing says."""
        return f"{self.prefix}{{{digest('item', item_id)}}}l"

    def band(self, place: int, band: int) -> str:
        """Sorted set: listings by when they were published that share this band; those of one place lie in one slot."""
        return f"{self.prefix}{{r{place}}}{band:x}"

    def seller(self, seller_id: str) -> str:
        """String: what is known of one seller."""
        return f"{self.prefix}{{{digest('seller', seller_id)}}}r"

    @property
    def moved_sellers(self) -> str:
        """Sorted set: sellers by when (ms) their score moved."""
        return f"{self.prefix}moved"

    def relation(self, kind: str, key: str, pool_id: str, place: int) -> str:
        """String: what is related to one item or term in one pool, of the generation in one of two places."""
        return f"{self.prefix}{{{digest(f'rel {kind}', f'{len(pool_id)}:{pool_id}{key}')}}}{place}"

    @property
    def relations(self) -> str:
        """String: which generation of related items serves."""
        return f"{self.prefix}relations"

    @property
    def relations_turn(self) -> str:
        """String: there while somebody has the turn to relate items."""
        return f"{self.prefix}relations:turn"
