"""Who asks: what was served to them here, what they did, what the app told us; all read side by side before anything else.

In: the request. Out: a `Person`, as complete as the stores that answered allow.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.behaviour import BehaviourSettings, resolve_pending
from smallpool_core.pages import Claimed, Opening, SeenEntry, StoredPage
from smallpool_core.terms import MAX_TRIGGERS, Trigger
from smallpool_core.users import Profile, TriggerState
from smallpool_service.context import context_shares, with_context
from smallpool_service.prompt import side_by_side
from smallpool_service.run import ReadPorts, Run
from smallpool_service.score import usual_prices
from smallpool_service.settings import ReadSettings
from smallpool_service.sources.popular import SITE, stats_pool
from smallpool_service.triggers import Origin, Wishes, pending_items, personal_triggers, smoothed_prior, wishes_from

NOTHING_SEEN = Opening((), None)


class Person(Struct, frozen=True):
    """What is known of the one who asks. `seen` is what was served in this pool, oldest first; `page` a page already begun."""

    seen: tuple[SeenEntry, ...]
    page: StoredPage | None
    state: TriggerState
    profile: Profile | None

    @property
    def seen_ids(self) -> frozenset[str]:
        """Items that were served to them in this pool."""
        return frozenset(entry.item_id for entry in self.seen)

    @property
    def bought_ids(self) -> frozenset[str]:
        """Items that they bought."""
        return frozenset(touched.item_id for touched in self.state.bought)

    @property
    def touched_ids(self) -> list[str]:
        """Items that they touched, the last first."""
        return [touched.item_id for touched in reversed(self.state.recent)]

    @property
    def last_bought_ids(self) -> list[str]:
        """Items that they bought, the last first."""
        return [touched.item_id for touched in reversed(self.state.bought)]

    @property
    def blocked_sellers(self) -> frozenset[str]:
        """Sellers of whom nothing is to be shown to them."""
        return frozenset(self.profile.blocked_sellers) if self.profile is not None else frozenset()

    @property
    def begun(self) -> Claimed:
        """The page to go on from: the stored one, or an empty one."""
        if self.page is None:
            return Claimed((), 0, closed=False, closed_now=False)
        return Claimed(self.page.entries, self.page.rounds, self.page.closed, closed_now=False, short=self.page.short)


async def open_person(run: Run, ports: ReadPorts, settings: ReadSettings) -> Person:
    """Reads the seen list with the stored page, the behaviour and the profile; nobody has none of them.

    A dry run ignores stored pages. Without an answer of the seen list nothing is claimed.
    """
    identity = run.request.identity.key
    if not identity:
        run.degrade("anonymous", "neither user_id nor device_id was given, so nothing is remembered and pages may repeat")
        return Person((), None, TriggerState(), None)
    (opening, state, profile), is_merged = await side_by_side(_opened(run, ports, settings), _linked(run, ports, settings))
    if is_merged:  # what was read meanwhile is without what the device brings
        opening, state, profile = await _opened(run, ports, settings)
    run.claims = run.claims and "seen_list" not in run.degraded
    return Person(opening.seen, None if run.request.dry_run else opening.page, state, profile)


async def _opened(run: Run, ports: ReadPorts, settings: ReadSettings) -> tuple[Opening, TriggerState, Profile | None]:
    identity, share = run.request.identity.key, settings.opening_share
    return await side_by_side(
        run.attempt("seen_list", ports.seen.open(identity, run.request.pool_id, run.request_id, run.started), NOTHING_SEEN, share),
        run.attempt("triggers", ports.triggers.get(identity), TriggerState(), share),
        run.attempt("profile", ports.profiles.get(identity), None, share),
    )


async def _linked(run: Run, ports: ReadPorts, settings: ReadSettings) -> bool:
    """Whether the device has just become the user's, and brought what was kept of it. A dry run links nobody."""
    user_id, device_id = run.request.identity
    if not user_id or not device_id or run.request.dry_run:
        return False
    return await run.attempt("links", ports.links.link(device_id, user_id, run.started), False, settings.opening_share)  # noqa: FBT003


async def find_wishes(person: Person, run: Run, ports: ReadPorts, settings: ReadSettings, behaviour: BehaviourSettings) -> Wishes:
    """What the person asks for, or, where nothing is known of them, what people in this pool do; and what the request itself says."""
    triggers, origin, prices = await _known_wishes(person, run, ports, settings, behaviour)
    context = run.request.context
    asked = read_query(context.query, run, ports) if context.query is not None else ()
    shares = context_shares(context, asked, behaviour, settings.query_share, settings.city_share)
    if shares:
        origin, triggers = origin if triggers else "context", with_context(triggers, shares, run.started)
    return replace(wishes_from(triggers, origin), prices=prices)


def read_query(query: str, run: Run, ports: ReadPorts) -> tuple[str, ...]:
    """The terms of a query text; none, and `degraded` says so, where what reads it fails."""
    try:
        return ports.read_query(query)
    except Exception as error:  # noqa: BLE001  an understander is a plugin: whatever it raises costs the query only
        run.degrade("query", f"{type(error).__name__}: {error}")
        return ()


async def _known_wishes(
    person: Person, run: Run, ports: ReadPorts, settings: ReadSettings, behaviour: BehaviourSettings
) -> tuple[list[Trigger], Origin, Mapping[str, float]]:
    """Triggers, where they come from, and usual prices (cents) by top category."""
    state, now = person.state, run.started
    unread = pending_items(state)
    items = await run.attempt("items", ports.reader.get(unread), {}, settings.opening_share) if unread else {}
    prices = usual_prices(resolve_pending(state, items, behaviour, now).recent[-settings.priced_items :])
    triggers = personal_triggers(state, person.profile, items, now, behaviour, settings.profile_tag_share)
    if triggers:
        return triggers, "behaviour", prices
    pool_id = stats_pool(run.known.scope)
    site = await run.attempt("stats", ports.stats.top_terms(SITE, MAX_TRIGGERS, now), [], settings.opening_share)
    pool = await run.attempt("stats", ports.stats.top_terms(pool_id, MAX_TRIGGERS, now), [], settings.opening_share) if pool_id else []
    return smoothed_prior(pool, site, settings.prior_strength, now), "prior", prices
