"""A page that nobody is served: for a pool as it is or as it might be, for a person or for triggers made up by hand.

In: a pool, who asks, a size. Out: the page with its explanations; nothing is claimed, stored or counted in the figures.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.catalogue import Catalogue, KnownPool
from smallpool_core.errors import Problem, Refused
from smallpool_core.items import WideItem
from smallpool_core.pools import Ordering, PoolSettings
from smallpool_core.terms import MAX_TRIGGERS, TERM_KINDS, Trigger, integer_weights, kind_of, term
from smallpool_core.users import Identity, TriggerState, Weighted
from smallpool_service.console.figures import settled
from smallpool_service.context import NOT_KNOWN, Context
from smallpool_service.page import Page
from smallpool_service.person import Person, open_person
from smallpool_service.recaller import Recaller
from smallpool_service.reply import explained, items_of, page_of
from smallpool_service.request import RecallRequest, check_request
from smallpool_service.run import Run
from smallpool_service.trace import Unobserved

PATIENCE_MS = 2_000


class Asked(Struct, frozen=True):
    """Who asks for how much: a person, or triggers by term (`brand:apple` -> weight) of nobody in particular."""

    identity: Identity
    size: int
    triggers: Mapping[str, float] = {}
    context: Context = NOT_KNOWN


class Shown(Struct, frozen=True):
    """A page, its items as they are stored, and what was asked for by weight (1 … 1024)."""

    page: Page
    items: Mapping[str, WideItem]
    weights: Mapping[str, int]
    origin: str


def varied(catalogue: Catalogue, known: KnownPool, settings: PoolSettings | None = None, ordering: Ordering | None = None) -> KnownPool:
    """The pool with other settings or another order; raises `RuleRefused` for a condition of the order that cannot be read."""
    pool = replace(known.pool, settings=settings or known.pool.settings, ordering=ordering or known.pool.ordering)
    adjustments = known.adjustments if ordering is None else catalogue.adjustments(ordering)
    return replace(known, pool=pool, adjustments=adjustments)


async def dry_page(recaller: Recaller, known: KnownPool, asked: Asked) -> Shown:
    """The page; raises `Refused` for ids or a size that are not allowed, `StoreError` where nothing tells a cut-off."""
    request = RecallRequest(
        pool_id=known.pool.pool_id, identity=asked.identity, size=asked.size, explain=True, dry_run=True, context=asked.context
    )
    check_request(request)
    ports, settings = recaller.ports, recaller.settings
    now = ports.clock.now_ms()
    run = Run(
        request,
        "dry",
        await settled(ports, known),
        ports.catalogue.pending_bans(ports.tail.place()),
        clock=ports.clock,
        deadline=now + PATIENCE_MS,
        floor_ms=settings.claim_floor_ms,
        observer=Unobserved(),
    )
    person = await run.tracer.awaited("open", open_person, run, ports, settings)
    pipeline = recaller.pipeline(run, with_triggers(person, asked.triggers, now))
    claimed = await pipeline.execute()
    items = explained(items_of(claimed.entries), run, pipeline.taste)
    page = page_of(run, claimed, items, {}, recaller.data_age_ms(), replayed=False)
    found = await run.attempt("items", ports.reader.get([item.item_id for item in items]), {}) if items else {}
    return Shown(page, found, pipeline.wishes.weights, pipeline.wishes.origin)


def with_triggers(person: Person, triggers: Mapping[str, float], now: int) -> Person:
    """The person with this behaviour in the place of their own; the same person where there is none."""
    if not triggers:
        return person
    state = TriggerState(short={name: Weighted(weight, now) for name, weight in triggers.items()}, bought=person.state.bought)
    return replace(person, state=state, profile=None)


def read_triggers(text: str) -> dict[str, float]:
    """Triggers as they are written, one a line: `brand:apple 3`; a weight that is left out is 1. Raises `Refused` with every mistake."""
    found: dict[str, float] = {}
    problems: list[Problem] = []
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for place, line in enumerate(lines[:MAX_TRIGGERS]):
        written, _, last = line.rpartition(" ")
        weight = _weight(last) if written else None
        name = written.strip() if weight is not None else line
        if kind_of(name) not in TERM_KINDS or ":" not in name or not name.partition(":")[2].strip():
            problems.append(
                Problem(f"triggers[{place}]", repr(line[:80]), f"KIND:KEY WEIGHT is allowed, KIND one of {', '.join(TERM_KINDS)}")
            )
            continue
        kind, _, key = name.partition(":")
        found[term(kind, _key(key))] = 1.0 if weight is None else weight  # type: ignore[arg-type]  # checked above
    if problems:
        raise Refused(problems)
    return found


def heaviest(triggers: Mapping[str, float], now: int) -> dict[str, int]:
    """The weights by which these triggers would be asked."""
    return integer_weights([Trigger(name, weight, now) for name, weight in triggers.items()])


def _key(key: str) -> str:
    """A path may be written with blanks round its separators."""
    return "›".join(element.strip() for element in key.replace(">", "›").split("›"))


def _weight(text: str) -> float | None:
    try:
        weight = float(text)
    except ValueError:
        return None
    return weight if 0 < weight <= 1_000_000 else None
