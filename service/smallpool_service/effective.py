"""What a pool gives people: how full their pages are, and how much recall finds inside it and would have found site-wide.

In: people with their triggers, and scopes, which need not be those of saved pools. Out: means over people. Term recall is exact in all
cases, by the same triggers and without any cap.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import msgspec
from msgspec import Struct

from smallpool_core.catalogue import KnownPool
from smallpool_core.pages import Query, Scope
from smallpool_core.pools import HOME
from smallpool_core.terms import integer_weights
from smallpool_core.users import Identity
from smallpool_service.people import view_triggers
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.run import ReadPorts

PAGE_SIZE = 10
TOP = 100
PAGES_A_PERSON = 20
"""So many of the newest served pages are looked through for each person wanted."""

Weights = Mapping[str, int]


class Effect(Struct, frozen=True):
    """Of a person or, as means, of several: the share of a page of ten that was filled; how many of the site's best `TOP` items
    lie in the pool, and how many (`TOP` at most) recall inside it finds.
    """

    page_fill: float
    site_wide: float
    inside: float


class Shopper(Struct, frozen=True):
    """Somebody whose behaviour has added up to something, and what it asks for."""

    identity: Identity
    weights: Weights


class _Served(Struct):
    """Who asked for a page that was served."""

    user_id: str | None = None
    device_id: str | None = None


_decode = msgspec.json.Decoder(_Served).decode


async def best(ports: ReadPorts, scope: Scope, weights: Weights, top: int = TOP) -> list[str]:
    """The items in the scope that match the weights best."""
    query = Query(scope, frozenset(), cap=top, limit=top, now=ports.clock.now_ms())
    return [hit.item_id for hit in (await ports.reader.recall(query, weights)).hits]


async def lying_in(ports: ReadPorts, scope: Scope, item_ids: Sequence[str]) -> int:
    """How many of the items lie in the scope and are on sale."""
    most = max(1, len(item_ids))
    query = Query(scope, frozenset(), cap=most, limit=most, now=ports.clock.now_ms())
    return len((await ports.reader.pick(query, item_ids)).hits)


async def effect_on(recaller: Recaller, shopper: Shopper, site: Sequence[str], known: KnownPool, deadline: int) -> Effect:
    """What a pool, saved or not, gives one person, of whose site-wide best `site` are the ids; a dry run, which writes nothing."""
    request = RecallRequest(
        pool_id=known.pool.pool_id, identity=shopper.identity, size=PAGE_SIZE, dry_run=True, deadline_ms=deadline, admitted=True
    )
    page = await recaller.rehearse(request, known)
    inside = await best(recaller.ports, known.scope, shopper.weights)
    return Effect(len(page.items) / PAGE_SIZE, await lying_in(recaller.ports, known.scope, site), len(inside))


async def effects(recaller: Recaller, shoppers: Iterable[Shopper], pools: Sequence[KnownPool], until: int) -> list[list[Effect]]:
    """For each of the pools what it gives each of the people, as many of them as the time (ms) is enough for: of a person whose pages
    were late it would say too little.
    """
    ports, found = recaller.ports, [list[Effect]() for _ in pools]
    home = ports.catalogue.live(HOME).scope
    for shopper in shoppers:
        site = await best(ports, home, shopper.weights)
        judged = [await effect_on(recaller, shopper, site, known, until) for known in pools]
        if ports.clock.now_ms() >= until:
            break
        for effect, of_pool in zip(judged, found, strict=True):
            of_pool.append(effect)
    return found


def mean(of_people: Sequence[Effect]) -> Effect:
    """The means over people, of whom there is one at least, to the thousandth."""
    values = zip(*((one.page_fill, one.site_wide, one.inside) for one in of_people), strict=True)
    return Effect(*(round(fmean(each), 3) for each in values))


async def shoppers_of(recaller: Recaller, identities: Iterable[Identity], most: int) -> list[Shopper]:
    """Those of the people, in their order, whose behaviour has added up to something; `most` of them at most."""
    found: list[Shopper] = []
    for identity in identities:
        if len(found) == most:
            break
        weights = integer_weights(await view_triggers(recaller.ports, identity, recaller.behaviour))
        if weights:
            found.append(Shopper(identity, weights))
    return found


async def recent_people(ports: ReadPorts, people: int) -> list[Identity]:
    """Whom the newest pages in the log `served` were for, newest first, each once; about as many as are wanted or more, if there are."""
    records = await ports.log.recent("served", PAGES_A_PERSON * people)
    served = [_decode(record.value) for record in records]
    return list(dict.fromkeys(Identity(one.user_id, one.device_id) for one in served))
