"""Who the demo is about: the buyers for whom a pool has most to offer, and what the whole marketplace would have found for them.

In: an open system with triggers of many buyers. Out: people with their triggers; how many of the best items recall finds in each
pool, inside the pool and site-wide.
"""

from collections.abc import Sequence
from statistics import mean

from msgspec import Struct

from smallpool_config.wiring import System
from smallpool_core.pools import HOME
from smallpool_core.terms import Trigger, integer_weights, key_of, kind_of
from smallpool_core.users import Identity, UserEvent
from smallpool_service.effective import best, lying_in
from smallpool_service.people import view_triggers


class Person(Struct, frozen=True):
    """A buyer, what they did (oldest first), and what it adds up to."""

    user_id: str
    events: list[UserEvent]
    triggers: list[Trigger]

    @property
    def identity(self) -> Identity:
        """As whom they ask."""
        return Identity(self.user_id, None)

    @property
    def favourite(self) -> str:
        """The category (path key) of their heaviest trigger of that kind, empty where they have none."""
        return next((key_of(trigger.term) for trigger in self.triggers if kind_of(trigger.term) == "category"), "")


class Effect(Struct, frozen=True):
    """For one pool, means over people: of the site's best `top` items how many lie in the pool, and how many recall inside it finds."""

    pool_id: str
    name: str
    size: int
    site_wide: float
    inside: float


async def people_of(system: System, events: Sequence[UserEvent]) -> list[Person]:
    """Everybody whose behaviour has added up to something, by user id."""
    by_user: dict[str, list[UserEvent]] = {}
    for event in events:
        by_user.setdefault(event.user_id or "", []).append(event)
    people = []
    for user_id in sorted(by_user):
        triggers = await view_triggers(system.read_ports, Identity(user_id, None), system.settings.behaviour)
        if triggers:
            people.append(Person(user_id, by_user[user_id], triggers))
    return people


async def two_unlike(system: System, people: Sequence[Person], pool_id: str) -> tuple[Person, Person]:
    """The one for whom the pool holds most, and the next one whose favourite category is another."""
    scope, everything = system.catalogue.live(pool_id).scope, system.live_view.size(HOME, system.clock.now_ms())
    matches = {person.user_id: len(await best(system.read_ports, scope, integer_weights(person.triggers), everything)) for person in people}
    ranked = sorted(people, key=lambda person: (-matches[person.user_id], person.user_id))
    first = ranked[0]
    return first, next((person for person in ranked[1:] if person.favourite != first.favourite), ranked[-1])


async def effective_recall(system: System, people: Sequence[Person], top: int) -> list[Effect]:
    """One line a pool, the largest first, by the functions with which a preview judges a rule."""
    system.catalogue.refresh()
    ports, now = system.read_ports, system.clock.now_ms()
    weights = [integer_weights(person.triggers) for person in people]
    home = system.catalogue.live(HOME).scope
    site = [await best(ports, home, each, top) for each in weights]
    effects = []
    for known in system.catalogue.all():
        pool, scope = known.pool, known.scope
        inside = [len(await best(ports, scope, each, top)) for each in weights]
        site_wide = [await lying_in(ports, scope, item_ids) for item_ids in site]
        effects.append(Effect(pool.pool_id, pool.name, system.live_view.size(pool.pool_id, now), mean(site_wide), mean(inside)))
    return sorted(effects, key=lambda effect: (-effect.size, effect.pool_id))
