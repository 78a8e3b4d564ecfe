"""Why one person is, or is not, shown one item of one pool: a dry run now, followed from the item to the page.

In: an item, a pool, a person. Out: the first thing that stands in the way, or the place on the page.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings, bought_likenesses, over_exposed
from smallpool_core.catalogue import KnownPool
from smallpool_core.items import WideItem
from smallpool_core.pages import Claimed, LiveItem
from smallpool_core.pools import BANNED
from smallpool_core.rules import matches
from smallpool_core.rules.failing import failing
from smallpool_core.users import Identity
from smallpool_service.alike import held_together, is_alike
from smallpool_service.candidates import Question, Scored
from smallpool_service.exposure import ignored_in_pool
from smallpool_service.filter import DETAILS
from smallpool_service.order import order
from smallpool_service.person import Person, open_person
from smallpool_service.pipeline import Pipeline
from smallpool_service.recall import NO_QUOTAS, recall
from smallpool_service.recaller import Recaller
from smallpool_service.reply import interests_of
from smallpool_service.request import RecallRequest
from smallpool_service.rewrite import rewrite
from smallpool_service.room import Full, Limits, Placed, Room, placed
from smallpool_service.run import ReadPorts, Run
from smallpool_service.score import Taste
from smallpool_service.source_quotas import Quota, quotas_of
from smallpool_service.sources.latent import Latent
from smallpool_service.sources.source import Source
from smallpool_service.spread import cut_key

SERVED = "page"
"""The stage of an item that would be served."""
SHOWN_CONDITIONS = 8
SHOWN_TRIGGERS = 8
DEEPER = 20
"""How many times as deep sources are asked again for the rank of an item that they did not bring."""


class Why(Struct, frozen=True):
    """Whether the item would be on the person's next page, and if not, which stage left it out for what reason; `detail` says it in a
    sentence, and `more` what there is beside it, a line each: every condition that fails, terms beside triggers, ranks, parts of scores.
    """

    item_id: str
    pool_id: str
    served: bool
    stage: str
    reason: str
    detail: str
    more: tuple[str, ...] = ()


class Verdict(Struct, frozen=True):
    """The stage that decided, and its reason; `detail` and `more` are for people."""

    stage: str
    reason: str
    detail: str
    more: tuple[str, ...] = ()


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
    person = await open_person(run, ports, recaller.settings_of(run))
    verdict = (
        why_not_listed(item, run.started)
        or why_banned(item, ports, run.started)
        or why_not_in_pool(item, ports.live.look([item_id], pool_id, run.started)[0], known, run.started)
        or why_not_this_person(item, person, identity, known, recaller.behaviour)
        or why_not_long_enough(item, run.started, recaller.settings_of(run).least_left_s)
        or await _why_not_again(recaller, run, person, item_id)
        or await _why_not_on_page(recaller, run, person, item)
    )
    return _answer(item_id, pool_id, verdict)


def _answer(item_id: str, pool_id: str, verdict: Verdict) -> Why:
    return Why(item_id, pool_id, verdict.stage == SERVED, verdict.stage, verdict.reason, verdict.detail, verdict.more)


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
        return Verdict("pool", "not_in_pool", "; ".join(conditions[:SHOWN_CONDITIONS]) + more, tuple(conditions))
    if known.cut is not None and not known.cut.holds(item):
        return Verdict("pool", "cut", f"the best {known.pool.settings.max_size} items of the pool end at {known.cut}")
    if live is None or (known.is_trusted and not live.in_pool):
        return Verdict("pool", "not_yet_tagged", "the rule holds for it, but the live view does not have it in the pool yet")
    return None


def why_not_long_enough(item: WideItem, now: int, least_left_s: int) -> Verdict | None:
    """Whether it ends too soon to be opened."""
    if item.expires_at is None or item.expires_at > now + least_left_s * 1000:
        return None
    return Verdict("filter", "expiring", f"it ends in {item.expires_at - now} ms; what ends within {least_left_s} s is not shown")


def why_not_this_person(
    item: WideItem, person: Person, identity: Identity, known: KnownPool, behaviour: BehaviourSettings
) -> Verdict | None:
    """Whether the person sells it, blocks its seller, bought it or its like or, where the pool does not repeat, was served it."""
    if item.seller_id is not None and item.seller_id == identity.user_id:
        return Verdict("filter", "own", DETAILS["own"])
    if item.item_id in person.bought_ids:
        return Verdict("filter", "bought", DETAILS["bought"])
    if item.seller_id is not None and item.seller_id in person.blocked_sellers:
        return Verdict("filter", "blocked_seller", DETAILS["blocked_seller"])
    if is_alike(set(item.terms), held_together(bought_likenesses(person.state, behaviour))):
        return Verdict("filter", "bought_alike", DETAILS["bought_alike"])
    if item.item_id in person.seen_ids and known.pool.settings.when_exhausted == "stop":
        return _seen(item, person, known)
    return None


def _seen(item: WideItem, person: Person, known: KnownPool) -> Verdict:
    """That it was served, and how many others have to be before it comes again."""
    ids = [entry.item_id for entry in person.seen]
    left = known.pool.settings.seen_size - (len(ids) - 1 - ids.index(item.item_id))
    return Verdict("filter", "seen", DETAILS["seen"], (f"it may come again once {left} others were served to this person here",))


async def _why_not_again(recaller: Recaller, run: Run, person: Person, item_id: str) -> Verdict | None:
    """Whether it was shown too often, to the person or in the pool, without being touched."""
    behaviour, settings = recaller.behaviour, recaller.settings_of(run)
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
        return Verdict(SERVED, "served", f"place {place} of {len(page.entries)}", tuple(_brought(item.item_id, run)))
    drop = next((drop for drop in run.drops if drop.item_id == item.item_id), None)
    if drop is not None:
        return Verdict(drop.stage, drop.reason, drop.detail)
    if item.item_id in run.ranked:
        return _below(item.item_id, run, page, pipeline.taste)
    return await _why_not_recalled(recaller, run, person, item, pipeline)


def _brought(item_id: str, run: Run) -> Iterator[str]:
    """Each source that brought an item, and by which of the person's interests; lines that an earlier call claimed have none."""
    scored = run.ranked.get(item_id)
    if scored is None:
        return
    by_interest = {one.source: one for one in interests_of(scored.candidate, run.interests)}
    for source, rank in scored.candidate.ranks.items():
        one = by_interest.get(source)
        about = f" ({', '.join(one.categories)})" if one is not None and one.categories else ""
        interest = "" if one is None else f", interest {one.interest}{about}"
        yield f"{source}: rank {rank}{interest}{', a category never visited before' if source == Latent.name else ''}"


def _below(item_id: str, run: Run, page: Claimed, taste: Taste) -> Verdict:
    ranking = [scored.item_id for scored in order(list(run.ranked.values()), run.known.pool.ordering, len(page.entries))]
    scored, limits = run.ranked[item_id], Limits.of(run.known, run.request.size)
    place = f"rank {ranking.index(item_id) + 1} of {len(ranking)} with score {scored.score:.4f}"
    one = placed(scored.candidate.hit, limits.level, scored.kinds)
    lines = [run.ranked[entry.item_id] for entry in page.entries]
    full = Room(limits, [placed(line.candidate.hit, limits.level, line.kinds) for line in lines]).full(one)
    if full is not None:
        return Verdict("claim", full, f"{place}, but the page already has {_enough(full, one, limits)}")
    last = run.ranked.get(page.entries[-1].item_id) if page.entries else None
    if last is None:
        return Verdict("order", "below_cut", place)
    missing = f"{place}; the last item on the page has {last.score:.4f}, {last.score - scored.score:.4f} more"
    return Verdict("order", "below_cut", missing, tuple(_compared(scored, last, taste)))


def _compared(scored: Scored, last: Scored, taste: Taste) -> Iterator[str]:
    """Each part of the score beside that of the last item on the page, those first that cost most."""
    total = sum(taste.weights[name] for name in taste.dimensions)
    rows = [
        (taste.weights[name] / total * (theirs - own), name, own, theirs)
        for name, own, theirs in zip(taste.dimensions, scored.values, last.values, strict=True)
    ]
    for costs, name, own, theirs in sorted(rows, key=lambda row: (-row[0], row[1])):
        yield f"{name}: {own:.2f} here, {theirs:.2f} there, which {'costs' if costs >= 0 else 'gains'} {abs(costs):.4f}"
    if scored.factor != last.factor:
        yield f"the pool multiplies it by {scored.factor:g}, and the other by {last.factor:g}"


def _enough(full: Full, one: Placed, limits: Limits) -> str:
    """What the page has enough of."""
    if full == "category_cap":
        return f"{limits.cap} of {one.spread_key}"
    if full == "seller_cap":
        return f"{limits.per_seller} of the seller {one.seller_id}"
    kinds = ", ".join(f"ordering.quotas[{kind}]" for kind in one.kinds if limits.quotas[kind].at_most is not None)
    return f"the most of {kinds}"


async def _why_not_recalled(recaller: Recaller, run: Run, person: Person, item: WideItem, pipeline: Pipeline) -> Verdict:
    """Asks the sources again without their caps, and deeper: an item that comes within what was asked for was left out for its spread key,
    one that comes later says how far down it is.
    """
    if item.item_id in person.seen_ids:
        return _seen(item, person, run.known)
    settings, known, weights = recaller.settings_of(run), run.known, pipeline.wishes.weights
    query = rewrite(
        run.request.size,
        known,
        pipeline.unasked,
        run.started,
        settings.candidates_per_item,
        pipeline.unwanted_sellers,
    )
    sources, quotas = recaller.sources_of(run), quotas_of(settings, known.pool.settings)
    question = pipeline.question(query)
    uncapped = replace(question, query=replace(query, cap=query.limit))
    ranks = await _ranks(sources, uncapped, item.item_id, recaller, run, quotas)
    for source in (source for source, rank in ranks.items() if rank is not None):
        key = cut_key(item.spread_key, known.pool.settings.spread_level)
        return Verdict("spread", "category_cap", f"{query.cap} others of {key} rank higher in the source {source}")
    deep = query.limit * DEEPER
    ranks = await _ranks(sources, replace(question, query=replace(query, cap=deep, limit=deep)), item.item_id, recaller, run)
    matched = sorted(set(item.terms) & weights.keys())
    asked = f"it matches {', '.join(matched)}, but" if matched else f"it matches none of the {len(weights)} triggers, and"
    names = ", ".join(source.name for source in sources)
    more = [f"{source}: rank {rank:,}" if rank is not None else f"{source}: not among those asked" for source, rank in ranks.items()]
    detail = f"{asked} others rank higher in each of {names}, of {query.limit} wanted"
    return Verdict("recall", "not_recalled", detail, (*_terms_beside(item, weights), *more))


async def _ranks(
    sources: Sequence[Source],
    question: Question,
    item_id: str,
    recaller: Recaller,
    run: Run,
    quotas: Mapping[str, Quota] = NO_QUOTAS,
) -> dict[str, int | None]:
    """At which rank (from 1) each source that answers has the item."""
    recalled = await recall(sources, question, recaller.ports.clock, run.until(1.0), quotas)
    places = {source: [hit.item_id for hit in answer.hits] for source, answer in recalled.answers.items()}
    return {source: ids.index(item_id) + 1 if item_id in ids else None for source, ids in places.items()}


def _terms_beside(item: WideItem, weights: Mapping[str, int]) -> Iterator[str]:
    """The terms that the item has, and the heaviest triggers that it lacks."""
    yield f"it has {', '.join(f'{term} ({weights[term]})' if term in weights else term for term in item.terms) or 'no term at all'}"
    lacking = [
        f"{term} ({weight})" for term, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])) if term not in item.terms
    ]
    if lacking:
        others = f" and {len(lacking) - SHOWN_TRIGGERS} more" if len(lacking) > SHOWN_TRIGGERS else ""
        yield f"asked for, and not in it: {', '.join(lacking[:SHOWN_TRIGGERS])}{others}"
