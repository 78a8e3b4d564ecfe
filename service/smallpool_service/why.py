"""Why one person is, or is not, shown one item of one pool: a dry run now, followed from the item to the page.

In: an item, a pool, a person. Out: the first thing that stands in the way, or the place on the page.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import over_exposed
from smallpool_core.catalogue import KnownPool
from smallpool_core.items import WideItem
from smallpool_core.pages import Claimed, LiveItem
from smallpool_core.pools import BANNED
from smallpool_core.rules import matches
from smallpool_core.rules.failing import failing
from smallpool_core.users import Identity
from smallpool_service.candidates import Question
from smallpool_service.exposure import ignored_in_pool
from smallpool_service.filter import DETAILS
from smallpool_service.order import order
from smallpool_service.person import Person, open_person
from smallpool_service.quotas import quotas_of
from smallpool_service.recall import recall
from smallpool_service.recaller import Recaller
from smallpool_service.request import RecallRequest
from smallpool_service.rewrite import rewrite
from smallpool_service.run import ReadPorts, Run
from smallpool_service.sources.explore import seed_of
from smallpool_service.spread import cut_key

SERVED = "page"
"""The stage of an item that would be served."""
SHOWN_CONDITIONS = 8


class Why(Struct, frozen=True):
    """Whether the item would be on the person's next page, and if not, which stage left it out for what reason."""

    item_id: str
    pool_id: str
    served: bool
    stage: str
    reason: str
    detail: str


class Verdict(Struct, frozen=True):
    """The stage that decided, and its reason; `detail` is for people."""

    stage: str
    reason: str
    detail: str


async def why(recaller: Recaller, item_id: str, pool_id: str, identity: Identity, size: int = 10) -> Why:
    """Follows one item through a dry run of a page of `size`; raises what `Recaller.recall` raises of pools and ids."""
    # Of one id, so that the same question has the same answer, as far as chance decides it.
    asked = RecallRequest(pool_id=pool_id, identity=identity, size=size, request_id="why", explain=True, dry_run=True)
    run = await recaller.begin(asked)
    ports = recaller.ports
    # Told by the pool's own rule, without what is banned everywhere: that has a reason of its own.
    known = replace(run.known, rule=ports.catalogue.get(pool_id).rule)
    item = (await ports.reader.get([item_id])).get(item_id)
    if item is None:
        verdict = Verdict("item", "unknown_item", f"no item {item_id!r} was ever indexed; was it published, or is it a dead letter?")
        return _answer(item_id, pool_id, verdict)
    person = await open_person(run, ports, recaller.settings)
    verdict = (
        why_not_listed(item, run.started)
        or why_banned(item, ports, run.started)
        or why_not_in_pool(item, ports.live.look([item_id], pool_id, run.started)[0], known, run.started)
        or why_not_this_person(item, person, identity, known)
        or await _why_not_again(recaller, run, person, item_id)
        or await _why_not_on_page(recaller, run, person, item)
    )
    return _answer(item_id, pool_id, verdict)


def _answer(item_id: str, pool_id: str, verdict: Verdict) -> Why:
    return Why(item_id, pool_id, verdict.stage == SERVED, verdict.stage, verdict.reason, verdict.detail)


def why_not_listed(item: WideItem, now: int) -> Verdict | None:
    """Whether the item is gone, not yet published or expired."""
    if item.state != "on_sale":
        return Verdict("item", item.state, f"version {item.version} is {item.state}; only a higher version lists it again")
    if item.expires_at is not None and item.expires_at <= now:
        return Verdict("item", "expired", f"it expired {now - item.expires_at} ms ago")
    if item.published_at is not None and item.published_at > now:
        return Verdict("item", "not_yet_published", f"it will be published in {item.published_at - now} ms")
    return None


def why_banned(item: WideItem, ports: ReadPorts, now: int) -> Verdict | None:
    """Whether the item is banned everywhere, or was until just now."""
    if matches(ports.catalogue.banned_rule, item, now):
        return Verdict("pool", "banned", DETAILS["banned"])
    [live] = ports.live.look([item.item_id], BANNED, now)
    if live is not None and live.in_pool:
        return Verdict("pool", "not_yet_tagged", "it is banned no more, but the live view does not have it back in its pools yet")
    return None


def why_not_in_pool(item: WideItem, live: LiveItem | None, known: KnownPool, now: int) -> Verdict | None:
    """Which conditions of the rule fail, or that the item's tag has yet to reach the live view."""
    if known.scope.everything:
        return None
    if not matches(known.rule, item, now):
        conditions = [str(condition) for condition in failing(known.rule, item, now)]
        more = f"; and {len(conditions) - SHOWN_CONDITIONS} more" if len(conditions) > SHOWN_CONDITIONS else ""
        return Verdict("pool", "not_in_pool", "; ".join(conditions[:SHOWN_CONDITIONS]) + more)
    if known.cut is not None and not known.cut.holds(item):
        return Verdict("pool", "cut", f"the best {known.pool.settings.max_size} items of the pool end at {known.cut}")
    if live is None or (known.is_trusted and not live.in_pool):
        return Verdict("pool", "not_yet_tagged", "the rule holds for it, but the live view does not have it in the pool yet")
    return None


def why_not_this_person(item: WideItem, person: Person, identity: Identity, known: KnownPool) -> Verdict | None:
    """Whether the person sells it, bought it or, where the pool does not repeat, was served it."""
    if item.seller_id is not None and item.seller_id == identity.user_id:
        return Verdict("filter", "own", DETAILS["own"])
    if item.item_id in person.bought_ids:
        return Verdict("filter", "bought", DETAILS["bought"])
    if item.item_id in person.seen_ids and known.pool.settings.when_exhausted == "stop":
        return Verdict("filter", "seen", DETAILS["seen"])
    return None


async def _why_not_again(recaller: Recaller, run: Run, person: Person, item_id: str) -> Verdict | None:
    """Whether it was shown too often, to the person or in the pool, without being touched."""
    behaviour, settings = recaller.behaviour, recaller.settings
    if item_id in over_exposed(person.state, behaviour):
        return Verdict("filter", "over_exposed", f"it was shown to this person {behaviour.max_exposures} times or more, and never touched")
    if await ignored_in_pool([item_id], run, recaller.ports, settings):
        most = settings.max_exposures_without_click
        shown = f"of late the pool showed it {most} times or more, and as often again for each click"
        return Verdict("filter", "over_exposed", shown)
    return None


async def _why_not_on_page(recaller: Recaller, run: Run, person: Person, item: WideItem) -> Verdict:
    """What a dry run does with an item that it could serve."""
    pipeline = recaller.pipeline(run, person)
    page = await pipeline.execute()
    place = next((place for place, entry in enumerate(page.entries, start=1) if entry.item_id == item.item_id), None)
    if place is not None:
        return Verdict(SERVED, "served", f"place {place} of {len(page.entries)}")
    drop = next((drop for drop in run.drops if drop.item_id == item.item_id), None)
    if drop is not None:
        return Verdict(drop.stage, drop.reason, drop.detail)
    if item.item_id in run.ranked:
        return _below(item.item_id, run, page)
    return await _why_not_recalled(recaller, run, person, item, pipeline.wishes.weights)


def _below(item_id: str, run: Run, page: Claimed) -> Verdict:
    ranking = [scored.item_id for scored in order(list(run.ranked.values()), run.known.pool.ordering.pins)]
    scored, settings = run.ranked[item_id], run.known.pool.settings
    place = f"rank {ranking.index(item_id) + 1} of {len(ranking)} with score {scored.score:.4f}"
    key = cut_key(scored.candidate.hit.spread_key, settings.spread_level)
    of_key = sum(entry.spread_key == key for entry in page.entries)
    if of_key >= settings.max_per_category:
        return Verdict("claim", "category_cap", f"{place}, but the page already has {of_key} of {key}")
    last = run.ranked.get(page.entries[-1].item_id) if page.entries else None
    return Verdict("order", "below_cut", place + (f"; the last item on the page has {last.score:.4f}" if last is not None else ""))


async def _why_not_recalled(recaller: Recaller, run: Run, person: Person, item: WideItem, weights: Mapping[str, int]) -> Verdict:
    """Asks the sources again without their caps: an item that comes then was left out for its spread key."""
    if item.item_id in person.seen_ids:
        return Verdict("filter", "seen", DETAILS["seen"])
    settings, known = recaller.settings, run.known
    query = rewrite(
        run.request.size,
        known,
        person.seen_ids | person.bought_ids | over_exposed(person.state, recaller.behaviour),
        run.started,
        settings.candidates_per_item,
    )
    uncapped = Question(replace(query, cap=query.limit), weights, seed_of(run.request_id))
    sources, quotas = recaller.sources_of(known), quotas_of(settings, known.pool.settings)
    recalled = await recall(sources, uncapped, recaller.ports.clock, run.until(1.0), quotas)
    for source, answer in recalled.answers.items():
        if any(hit.item_id == item.item_id for hit in answer.hits):
            key = cut_key(item.spread_key, known.pool.settings.spread_level)
            return Verdict("spread", "category_cap", f"{query.cap} others of {key} rank higher in the source {source}")
    matched = sorted(set(item.terms) & weights.keys())
    asked = f"it matches {', '.join(matched)}, but" if matched else f"it matches none of the {len(weights)} triggers, and"
    names = ", ".join(source.name for source in sources)
    return Verdict("recall", "not_recalled", f"{asked} others rank higher in each of {names}, of {query.limit} candidates wanted")
