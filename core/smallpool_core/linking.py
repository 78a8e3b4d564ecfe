"""A device that turns out to be somebody's: the link, the port that keeps it, and how what is kept of two becomes one.

In: what is kept of a device and of a user. Out: what is kept of the user from then on. Pure but for the port.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from msgspec import Struct

from smallpool_core.users import MAX_ATTRIBUTES, MAX_BLOCKED, MAX_TAGS, Identity, Profile, UserEvent

Runs = list[tuple[int, list[str]]]
"""A seen list: items by the time (ms) at which they were served, oldest first, each item once."""


class Link(Struct, frozen=True, array_like=True):
    """Whose a device is, and since when (ms). `user_id` is empty once that user was erased: then it is nobody's, for good."""

    user_id: str
    at: int


class Links(Protocol):
    """Which device is whose: the first that is heard of both ids together, for good. Pages fail open, the write path closed.

    To link merges what is kept of the device (behaviour, marks, profile, every seen list) into what is kept of the user, once, and the
    device begins anew. Where that is interrupted anywhere, whoever asks next for this device finishes it, and nothing counts twice.
    """

    async def link(self, device_id: str, user_id: str, at: int) -> bool:
        """Links the two unless the device has a link; whether anything was merged meanwhile, so that what was read before is old."""
        ...

    def link_now(self, device_id: str, user_id: str, at: int) -> None:
        """The same for the write path; inside `Atomic.atomic` it joins the block where both share a store."""
        ...

    def known(self, device_ids: Collection[str]) -> dict[str, Link]:
        """The links of those devices that have one, for the write path; a merge that was interrupted is finished first."""
        ...


def owner_of(event: UserEvent, links: Mapping[str, Link]) -> str | None:
    """The identity whom an event is applied to: what a device did up to its link is its user's, and nobody's (None) once that user was
    erased.
    """
    link = links.get(event.device_id or "")
    if event.user_id or link is None or event.at > link.at:
        return event.identity.key
    return Identity(link.user_id, None).key or None


def joined_profiles(one: Profile, other: Profile) -> Profile:
    """Both in one; where they contradict each other, or are too much together, the newer one holds."""
    older, newer = sorted((one, other), key=lambda profile: profile.updated_at)
    attributes = newer.attributes | {name: value for name, value in older.attributes.items() if name not in newer.attributes}
    return Profile(
        tuple(dict.fromkeys([*newer.tags, *older.tags]))[:MAX_TAGS],
        dict(list(attributes.items())[:MAX_ATTRIBUTES]),
        newer.updated_at,
        tuple(dict.fromkeys([*newer.blocked_sellers, *older.blocked_sellers]))[:MAX_BLOCKED],
    )


def joined_runs(one: Runs, other: Runs) -> Runs:
    """Both lists in one, by time; an item of both stands where it was served last. How long it may be the next claim says."""
    last = {item_id: at for at, item_ids in sorted([*one, *other], key=lambda run: run[0]) for item_id in item_ids}
    joined: Runs = []
    for at, item_ids in sorted([*one, *other], key=lambda run: run[0]):
        kept = [item_id for item_id in item_ids if last.get(item_id) == at]
        for item_id in kept:
            del last[item_id]
        if kept:
            joined.append((at, kept))
    return joined
