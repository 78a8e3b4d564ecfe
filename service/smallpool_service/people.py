"""What is kept of one person: shown to them, changed by the app, forgotten on demand.

In: an identity. Out: their profile and triggers as recall would use them now; or nothing is left of them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from math import isfinite

from msgspec import Struct

from smallpool_core.behaviour import BehaviourSettings
from smallpool_core.errors import Problem, Refused
from smallpool_core.normalise import normalise
from smallpool_core.plain_text import text_problem
from smallpool_core.row_reader import shown
from smallpool_core.terms import Trigger
from smallpool_core.users import MAX_ATTRIBUTES, MAX_BLOCKED, MAX_TAGS, Identity, Profile, Touched, TriggerState
from smallpool_service.run import ReadPorts
from smallpool_service.triggers import pending_items, personal_triggers

MAX_TEXT = 128


class PersonView(Struct, frozen=True):
    """One person as recall sees them: profile, triggers as of now (heaviest first), what they bought and touched last."""

    user_id: str | None
    device_id: str | None
    tags: tuple[str, ...]
    attributes: Mapping[str, str | int | float]
    triggers: list[Trigger]
    bought: list[Touched]
    recent: list[Touched]
    blocked_sellers: tuple[str, ...]


async def view_person(ports: ReadPorts, identity: Identity, behaviour: BehaviourSettings, tag_share: float) -> PersonView:
    """Everything that is known of the person; a stranger has nothing. `tag_share` is `ReadSettings.profile_tag_share`."""
    profile = await ports.profiles.get(identity.key) or Profile()
    triggers, state = await _triggers_and_state(ports, identity, profile, behaviour, tag_share)
    return PersonView(
        *identity, profile.tags, profile.attributes, triggers, list(state.bought), list(state.recent), profile.blocked_sellers
    )


async def view_triggers(ports: ReadPorts, identity: Identity, behaviour: BehaviourSettings) -> list[Trigger]:
    """The person's triggers of behaviour as of now, heaviest first."""
    return (await _triggers_and_state(ports, identity, Profile(), behaviour, 0.0))[0]


async def put_profile(
    ports: ReadPorts,
    identity: Identity,
    tags: Sequence[str],
    attributes: Mapping[str, str | int | float],
    blocked_sellers: Sequence[str] = (),
) -> Profile:
    """Replaces the profile; tags are stored normalised, each once. Raises `Refused` with every problem."""
    problems = _tag_problems(tags) + _attribute_problems(attributes) + _blocked_problems(blocked_sellers)
    if problems:
        raise Refused(problems)
    blocked = tuple(dict.fromkeys(blocked_sellers))
    profile = Profile(tuple(dict.fromkeys(normalise(tag) for tag in tags)), dict(attributes), ports.clock.now_ms(), blocked)
    await ports.profiles.put(identity.key, profile)
    return profile


async def erase_person(ports: ReadPorts, identity: Identity) -> None:
    """Forgets triggers, profile, seen lists and pages as one unit. What was acknowledged before, applied or not, never comes back."""
    upto = await asyncio.to_thread(ports.log.end, "user-events")
    await ports.people.erase(identity.key, upto, ports.clock.now_ms())


async def erase_seen(ports: ReadPorts, identity: Identity, pool_id: str | None) -> None:
    """Forgets what was served to the person, in one pool or in all."""
    await ports.seen.erase(identity.key, pool_id)


async def _triggers_and_state(
    ports: ReadPorts, identity: Identity, profile: Profile, behaviour: BehaviourSettings, tag_share: float
) -> tuple[list[Trigger], TriggerState]:
    state = await ports.triggers.get(identity.key)
    now = ports.clock.now_ms()
    unread = pending_items(state)
    items = await ports.reader.get(unread) if unread else {}
    triggers = personal_triggers(state, profile, items, now, behaviour, tag_share)
    return sorted(triggers, key=lambda trigger: (-trigger.weight, trigger.term.encode())), state


def _tag_problems(tags: Sequence[str]) -> list[Problem]:
    if len(tags) > MAX_TAGS:
        return [Problem("tags", f"{len(tags)} tags", f"allowed are at most {MAX_TAGS}")]
    return [problem for place, tag in enumerate(tags) if (problem := _text_problem(f"tags[{place}]", tag)) is not None]


def _blocked_problems(sellers: Sequence[str]) -> list[Problem]:
    if len(sellers) > MAX_BLOCKED:
        return [Problem("blocked_sellers", f"{len(sellers)} sellers", f"allowed are at most {MAX_BLOCKED}")]
    named = [(f"blocked_sellers[{place}]", seller) for place, seller in enumerate(sellers)]
    return [problem for path, seller in named if (problem := _text_problem(path, seller)) is not None]


def _attribute_problems(attributes: Mapping[str, str | int | float]) -> list[Problem]:
    if len(attributes) > MAX_ATTRIBUTES:
        return [Problem("attributes", f"{len(attributes)} attributes", f"allowed are at most {MAX_ATTRIBUTES}")]
    texts = [(f"attributes.{name}", value) for name, value in attributes.items() if isinstance(value, str)]
    names = [("attributes (a name)", name) for name in attributes]
    problems = [problem for path, text in (*names, *texts) if (problem := _text_problem(path, text)) is not None]
    numbers = [(name, value) for name, value in attributes.items() if isinstance(value, float) and not isfinite(value)]
    return problems + [Problem(f"attributes.{name}", str(value), "a number must be finite") for name, value in numbers]


def _text_problem(path: str, text: str) -> Problem | None:
    problem = text_problem(text, MAX_TEXT)
    return None if problem is None else Problem(path, shown(text), problem)
