"""Who the demo is about: the buyers for whom a pool has most to offer, and what the whole marketplace would have found for them.

In: an open system with triggers of many buyers. Out: people with their triggers; how many of the best items recall finds in each
pool, inside the pool and site-wide.
"""

from collections.abc import Sequence
from statistics import mean

from msgspec import Struct

from smallpool_config.wiring import System
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import HOME
from smallpool_core.terms import Trigger, integer_weights, key_of, kind_of
from smallpool_core.users import Identity, UserEvent
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
    matches = {
        person.user_id: len(await _best(system, person, pool_id, system.live_view.size(HOME, system.clock.now_ms()))) for person in people
    }
    ranked = sorted(people, key=lambda person: (-matches[person.user_id], person.user_id))
    first = ranked[0]
    return first, next((person for person in ranked[1:] if person.favourite != first.favourite), ranked[-1])


async def effective_recall(system: System, people: Sequence[Person], top: int) -> list[Effect]:
    """One line a pool, the largest first. Exact term recall in both cases, by the same triggers, without any cap."""
    system.catalogue.refresh()
    now = system.clock.now_ms()
    site = {person.user_id: await _best(system, person, HOME, top) for person in people}
    effects = []
    for known in system.catalogue.all():
        pool = known.pool
        inside = [len(await _best(system, person, pool.pool_id, top)) for person in people]
        site_wide = [_in_pool(system, item_ids, pool.pool_id, now) for item_ids in site.values()]
        effects.append(Effect(pool.pool_id, pool.name, system.live_view.size(pool.pool_id, now), mean(site_wide), mean(inside)))
    return sorted(effects, key=lambda effect: (-effect.size, effect.pool_id))


async def _best(system: System, person: Person, pool_id: str, limit: int) -> list[str]:
    """The items that match the person's triggers best, inside one pool."""
    scope: Scope = system.catalogue.live(pool_id).scope
    query = Query(scope, frozenset(), cap=limit, limit=limit, now=system.clock.now_ms())
    answer = await system.reader.recall(query, integer_weights(person.triggers))
    return [hit.item_id for hit in answer.hits]


def _in_pool(system: System, item_ids: Sequence[str], pool_id: str, now: int) -> int:
    return sum(live is not None and live.in_pool and live.is_on_sale for live in system.live_view.look(item_ids, pool_id, now))
