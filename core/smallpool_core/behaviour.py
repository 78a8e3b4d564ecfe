"""Behaviour adds up to triggers: pure functions over `TriggerState`, shared by the write path and the read path.

In: a person's state, one event with the terms of its item, settings, a time. Out: a new state; or the triggers of a
request. Weights decay by half, w(t) = w · 2^(-(t - at) / half_life), on two horizons that are kept apart: what the
person wants now, and what they like.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import exp2, log2, sqrt
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr, replace

from smallpool_core.items import WideItem
from smallpool_core.normalise import PATH_SEPARATOR, top_category
from smallpool_core.terms import MAX_TRIGGERS, TERM_KINDS, Trigger, key_of, kind_of
from smallpool_core.users import USER_EVENT_TYPES, Exposed, Touched, TriggerState, UserEvent, Weighted

TOUCHING = frozenset({"view", "click", "favourite", "cart", "bid"})
"""Events that put an item on the person's recent list."""
KEPT = TOUCHING | {"purchase"}
"""Events that are kept in a list, whatever they weigh."""
MOST_OF_LIKENESS = 6
"""Terms that say what a purchase was: its category, its brand and the selling points that come first."""

Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
EventType = Annotated[str, Meta(pattern=f"^({'|'.join(USER_EVENT_TYPES)})$")]
Kind = Annotated[str, Meta(pattern=f"^({'|'.join(TERM_KINDS)})$")]


def _behaviour_weights() -> dict[str, float]:
    return {
        "view": 0.5,
        "click": 1.0,
        "favourite": 3.0,
        "cart": 4.0,
        "bid": 5.0,
        "purchase": 4.0,
        "follow": 6.0,
        "search": 3.0,
        "expose": 0.0,
    }


def _kind_weights() -> dict[str, float]:
    return {"category": 1.0, "brand": 0.8, "point": 0.6, "tag": 0.3, "seller": 0.5, "price_band": 0.25, "city": 0.15, "item": 0.0}


def _kind_limits() -> dict[str, int]:
    return {"category": 6, "brand": 4, "point": 8, "tag": 3, "seller": 4, "price_band": 2, "city": 1, "item": 0}


class BehaviourSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How behaviour is weighed. The defaults are a starting point to be measured against, not findings.

    behaviour_weights: what one event of a type is worth; 0 leaves triggers alone. Of this and the next two, what is left out keeps its
    default.
    kind_weights: how much a term of a kind says about taste.
    kind_limits: the most triggers of one kind in a request, so that no kind fills them all.
    ancestor_factor: a category one level above the item's own counts this much of it, two levels its square.
    short_half_life_s, long_half_life_s: the two horizons, in seconds.
    short_share: how much of the triggers a busy session takes from the long horizon, in [0, 1].
    smoothing: weight (in clicks) below which a horizon counts for little; keeps one old click from being all there is.
    max_terms: terms kept per horizon; the weakest go.
    max_bought: purchases kept, the oldest go; such an item may be shown again where it is on sale still, or is listed again.
    max_recent, max_pending, max_exposed: entries kept, the oldest go.
    max_exposures: so often may an item be shown to one person who does not touch it; 0 for as often as it comes, and then
    nobody's exposures are kept.
    pending_ttl_s: how long an event waits for its item to be indexed.
    bought_alike: of so many of a person's last purchases the like is left out too: what has the same category and brand and all the selling
    points that the purchase has. 0 leaves out nothing but the purchases, and then nothing is kept of what they were.
    """

    behaviour_weights: dict[EventType, Weight] = field(default_factory=_behaviour_weights)
    kind_weights: dict[Kind, Weight] = field(default_factory=_kind_weights)
    kind_limits: dict[Kind, Annotated[int, Meta(ge=0)]] = field(default_factory=_kind_limits)
    ancestor_factor: Share = 0.4
    short_half_life_s: Positive = 2 * 3600
    long_half_life_s: Positive = 14 * 86_400
    short_share: Share = 0.6
    smoothing: Annotated[float, Meta(gt=0)] = 2.0
    max_terms: Positive = 64
    max_bought: Positive = 100
    max_recent: Positive = 50
    max_pending: Positive = 50
    max_exposures: Annotated[int, Meta(ge=0)] = 0
    max_exposed: Positive = 200
    pending_ttl_s: Positive = 86_400
    bought_alike: Annotated[int, Meta(ge=0, le=10)] = 0

    def __post_init__(self) -> None:
        for name, defaults in (
            ("behaviour_weights", _behaviour_weights()),
            ("kind_weights", _kind_weights()),
            ("kind_limits", _kind_limits()),
        ):
            force_setattr(self, name, defaults | getattr(self, name))

    def weight_of(self, event_type: str) -> float:
        """What one event of this type is worth."""
        return self.behaviour_weights.get(event_type, 0.0)


def apply_event(
    state: TriggerState, event: UserEvent, terms: Sequence[str] | None, settings: BehaviourSettings, now: int, item: WideItem | None = None
) -> TriggerState:
    """The state after the event; the given one is left as it is. `item` is the event's, if it has one that is indexed.

    `terms` are those of the event's item (or of its query, or its seller) as of now, the item's own category before its
    ancestors; None says that the item is not indexed yet, and the event waits in `pending`. Late events need no
    order: applying commutes, up to rounding and to what the bounds of the lists drop.
    """
    weight = settings.weight_of(event.type)
    is_exposure = event.type == "expose" and settings.max_exposures > 0
    if weight <= 0 and event.type not in KEPT and not is_exposure:
        return state
    begins = min(state.begins or event.at, event.at)
    after = replace(state, pending=_fresh(state.pending, settings, now), begins=begins)
    if event.item_id is not None:
        touched = Touched(event.item_id, event.type, event.at)
        if event.type == "purchase":
            after.bought = _listed(state.bought, _with_likeness(touched, terms, settings), settings.max_bought)
        if event.type in TOUCHING:
            after.recent = _listed(state.recent, _with_price(touched, item), settings.max_recent)
        if is_exposure:
            after.exposed = _shown_again(state.exposed, event.item_id, event.at, settings.max_exposed)
        if terms is None and weight > 0:
            after.pending = [*after.pending, touched][-settings.max_pending :]
    if terms and weight > 0:
        _add_terms(after, terms, weight, event.at, settings)
    return after


def resolve_pending(state: TriggerState, items: Mapping[str, WideItem], settings: BehaviourSettings, now: int) -> TriggerState:
    """The state with those events applied whose item is in `items` by now, and those older than `pending_ttl_s` dropped."""
    if not state.pending:
        return state
    fresh = _fresh(state.pending, settings, now)
    pending = [touched for touched in fresh if touched.item_id not in items]
    waited = {touched.item_id: items.get(touched.item_id) for touched in fresh}
    after = replace(state, pending=pending, recent=[_with_price(touched, waited.get(touched.item_id)) for touched in state.recent])
    after.bought = [_with_likeness(touched, _terms_of(waited.get(touched.item_id)), settings) for touched in state.bought]
    for touched in fresh:
        item = items.get(touched.item_id)
        if item is not None and item.terms:
            _add_terms(after, item.terms, settings.weight_of(touched.type), touched.at, settings)
    return after


def over_exposed(state: TriggerState, settings: BehaviourSettings) -> frozenset[str]:
    """Items that the person was shown `max_exposures` times and, as far as is remembered, never touched."""
    if settings.max_exposures <= 0:
        return frozenset()
    touched = {touched.item_id for touched in (*state.recent, *state.bought)}
    return frozenset(shown.item_id for shown in state.exposed if shown.times >= settings.max_exposures) - touched


def likeness(terms: Sequence[str]) -> tuple[str, ...]:
    """The terms that another item must have to be like the item of these: its own category, its brand and its first selling points. Nothing
    for an item of which no more than the category is known.
    """
    own = next((term for term in terms if kind_of(term) == "category"), None)
    says = [term for term in terms if kind_of(term) in {"brand", "point"}]
    return (own, *says)[:MOST_OF_LIKENESS] if own is not None and says else ()


def bought_likenesses(state: TriggerState, settings: BehaviourSettings) -> list[frozenset[str]]:
    """Of each of the last `bought_alike` purchases of which it is known what makes another item like it; newest first."""
    last = state.bought[::-1][: settings.bought_alike]
    return [frozenset(touched.terms) for touched in last if touched.terms]


def triggers_from(state: TriggerState, now: int, settings: BehaviourSettings, limit: int = MAX_TRIGGERS) -> list[Trigger]:
    """At most `limit` triggers as of `now`, heaviest first (ties: term by UTF-8 bytes), at most `kind_limits` of each kind.

    With S and L the sums of the decayed weights of the short and the long horizon, c the smoothing and a the short
    share, a term weighs `a · s / (S + c) + (1 - a) · l / (L + c)`: a session takes up to its share, and gives it back as
    it fades.
    """
    short = _decayed(state.short, settings.short_half_life_s, now)
    long = _decayed(state.long, settings.long_half_life_s, now)
    short_scale = settings.short_share / (sum(short.values()) + settings.smoothing)
    long_scale = (1 - settings.short_share) / (sum(long.values()) + settings.smoothing)
    mixed = {term: short_scale * short.get(term, 0.0) + long_scale * long.get(term, 0.0) for term in short.keys() | long.keys()}
    heaviest = sorted(mixed.items(), key=lambda pair: (-pair[1], pair[0].encode()))
    return [Trigger(term, weight, now) for term, weight in _diverse(heaviest, settings)[:limit]]


def long_terms(state: TriggerState, now: int, settings: BehaviourSettings, most: int) -> list[tuple[str, Weighted]]:
    """The heaviest terms of the long horizon as of `now`, with what they weigh and as of when; ties: term by UTF-8 bytes."""
    decayed = _decayed(state.long, settings.long_half_life_s, now)
    heaviest = sorted(decayed, key=lambda term: (-decayed[term], term.encode()))[:most]
    return [(term, state.long[term]) for term in heaviest]


def _diverse(heaviest: Iterable[tuple[str, float]], settings: BehaviourSettings) -> list[tuple[str, float]]:
    taken: Counter[str] = Counter()
    kept = []
    for term, weight in heaviest:
        kind = kind_of(term)
        if weight > 0 and taken[kind] < settings.kind_limits.get(kind, 0):
            taken[kind] += 1
            kept.append((term, weight))
    return kept


def _add_terms(state: TriggerState, terms: Sequence[str], weight: float, at: int, settings: BehaviourSettings) -> None:
    shares = term_shares(terms, settings)
    state.short = _added(state.short, shares, weight, at, settings.short_half_life_s, settings.max_terms)
    state.long = _added(state.long, shares, weight, at, settings.long_half_life_s, settings.max_terms)


def term_shares(terms: Collection[str], settings: BehaviourSettings) -> dict[str, float]:
    """What each term of one item adds for an event of weight 1.

    Terms of a kind share `kind_weight · √n` among n, so that an item with many selling points speaks louder than one
    with few, but not n times as loud. Of a category path, each level up weighs `ancestor_factor` of the one below.
    """
    counted = Counter(kind_of(term) for term in terms)
    deepest = max((key_of(term).count(PATH_SEPARATOR) for term in terms if kind_of(term) == "category"), default=0)
    shares = {}
    for term in terms:
        kind = kind_of(term)
        share = settings.kind_weights.get(kind, 0.0)
        if kind == "category":
            share *= settings.ancestor_factor ** (deepest - key_of(term).count(PATH_SEPARATOR))
        else:
            share /= sqrt(counted[kind])
        if share > 0:
            shares[term] = share
    return shares


def _added(
    weights: Mapping[str, Weighted], shares: Mapping[str, float], weight: float, at: int, half_life_s: int, limit: int
) -> dict[str, Weighted]:
    """The weights with `weight · share` added to each term as of `at`; beyond `limit` the weakest are dropped."""
    half_life_ms = half_life_s * 1000
    after = dict(weights)
    for term, share in shares.items():
        old = after.get(term, Weighted(0.0, at))
        newest = max(old.at, at)
        kept = old.weight * exp2((old.at - newest) / half_life_ms)
        gained = weight * share * exp2((at - newest) / half_life_ms)
        after[term] = Weighted(kept + gained, newest)
    if len(after) <= limit:
        return after
    strongest = sorted(after.items(), key=lambda pair: (-_rank(pair[1], half_life_ms), pair[0].encode()))
    return dict(strongest[:limit])


def _rank(weighted: Weighted, half_life_ms: int) -> float:
    """Orders decayed weights the same at every time: log2 w(t) less what does not differ between terms."""
    return log2(weighted.weight) + weighted.at / half_life_ms if weighted.weight > 0 else float("-inf")


def _decayed(weights: Mapping[str, Weighted], half_life_s: int, now: int) -> dict[str, float]:
    """Weights as of `now`; an event ahead of the clock counts as if it were now."""
    half_life_ms = half_life_s * 1000
    return {term: weighted.weight * exp2(min(0, weighted.at - now) / half_life_ms) for term, weighted in weights.items()}


def _listed(entries: Sequence[Touched], touched: Touched, limit: int) -> list[Touched]:
    """The list with the entry at its place by time, its item once, at its newest; beyond `limit` the oldest go."""
    same = [entry for entry in entries if entry.item_id == touched.item_id]
    others = [entry for entry in entries if entry.item_id != touched.item_id]
    newest = max([*same, touched], key=lambda entry: entry.at)
    return sorted([*others, newest], key=lambda entry: entry.at)[-limit:]


def _with_price(touched: Touched, item: WideItem | None) -> Touched:
    """The entry with what its item costs, where that is known."""
    return touched if item is None else replace(touched, price_cents=item.price_cents, category=top_category(item.category))


def _terms_of(item: WideItem | None) -> Sequence[str]:
    return () if item is None else item.terms


def _with_likeness(touched: Touched, terms: Sequence[str] | None, settings: BehaviourSettings) -> Touched:
    """The purchase with what makes another item like it, where a setting asks for that and it is known."""
    return replace(touched, terms=likeness(terms)) if settings.bought_alike > 0 and terms else touched


def _shown_again(entries: Sequence[Exposed], item_id: str, at: int, limit: int) -> list[Exposed]:
    """The list with one more exposure of the item; beyond `limit` those go that were shown longest ago (of equals by id)."""
    by_id = {entry.item_id: entry for entry in entries}
    before = by_id.get(item_id, Exposed(item_id, 0, at))
    by_id[item_id] = Exposed(item_id, before.times + 1, max(before.at, at))
    return sorted(by_id.values(), key=lambda entry: (entry.at, entry.item_id))[-limit:]


def _fresh(pending: Sequence[Touched], settings: BehaviourSettings, now: int) -> list[Touched]:
    return [touched for touched in pending if touched.at > now - settings.pending_ttl_s * 1000]
