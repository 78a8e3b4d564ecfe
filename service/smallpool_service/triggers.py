"""Turns a person into weighted terms: behaviour decayed by time, tags of the profile, or for a stranger what others ask for.

In: the person's state and profile, as read. Out: `Wishes`: at most 20 terms with integer weights; usual prices.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from smallpool_core.behaviour import BehaviourSettings, resolve_pending, triggers_from
from smallpool_core.items import WideItem
from smallpool_core.terms import MAX_TRIGGERS, Trigger, integer_weights, term
from smallpool_core.users import Profile, TriggerState

Origin = Literal["behaviour", "prior", "context", "none"]


class Wishes(Struct, frozen=True):
    """What a person asks for; `origin` is where the weights come from, beside the context of the request.

    `prices` are what they usually pay (cents), by top category.
    """

    weights: Mapping[str, int]
    origin: Origin
    prices: Mapping[str, float] = {}

    def __len__(self) -> int:
        return len(self.weights)


NO_WISHES: Final = Wishes({}, "none")


def pending_items(state: TriggerState) -> set[str]:
    """Ids of the items that events wait for."""
    return {touched.item_id for touched in state.pending}


def personal_triggers(
    state: TriggerState,
    profile: Profile | None,
    items: Mapping[str, WideItem],
    now: int,
    behaviour: BehaviourSettings,
    tag_share: float,
) -> list[Trigger]:
    """Triggers of a person: behaviour, with pending events whose item is in `items` by now, then tags of the profile.

    A tag weighs `tag_share` of the heaviest trigger of behaviour, or 1 where there is none.
    """
    triggers = triggers_from(resolve_pending(state, items, behaviour, now), now, behaviour)
    weight = tag_share * triggers[0].weight if triggers else 1.0
    tags = profile.tags if profile is not None else ()
    return triggers + [Trigger(term("tag", tag), weight, now) for tag in tags]


def smoothed_prior(pool: Sequence[Trigger], site: Sequence[Trigger], strength: float, now: int) -> list[Trigger]:
    """The trigger prior of a stranger: the pool's terms, smoothed by the site's with a pseudo-count of `strength`.

    `w(t) = c_pool(t) + strength · c_site(t) / Σ c_site`, the numerator of Dirichlet smoothing (Zhai and Lafferty 2004,
    section 3); its denominator is the same for every term. A pool without events has the site's prior.
    """
    weights = {trigger.term: trigger.weight for trigger in pool}
    total = sum(trigger.weight for trigger in site)
    for trigger in site:
        weights[trigger.term] = weights.get(trigger.term, 0.0) + strength * trigger.weight / total
    heaviest = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0].encode()))
    return [Trigger(name, weight, now) for name, weight in heaviest[:MAX_TRIGGERS]]


def wishes_from(triggers: Sequence[Trigger], origin: Origin) -> Wishes:
    """The wishes that triggers add up to."""
    weights = integer_weights(list(triggers))
    return Wishes(weights, origin if weights else "none")
