"""What an operator may tune of the read path; every default says what it is for."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from smallpool_core.sources import DEFAULT_SHARES, DEFAULT_TIMES, SourceName

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0)]


def _source_weights() -> dict[str, float]:
    return {"terms": 1.0, "vectors": 8.0, "latent": 0.1, "x2i": 1.0, "x2i_pool": 5.0, "popular": 0.3, "newest": 0.05, "explore": 0.0}


class ReadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the read path, the same in every wiring. Times carry their unit, shares are in [0, 1].

    Attributes:
        timeout_ms: time to answer in when the caller sets no deadline.
        opening_share: share of that time which reading the seen list, the triggers and the profile may take.
        source_share: share of what is then left which the sources may take, side by side.
        claim_floor_ms: a claim is given at least this long, so that a late request still closes its page.
        candidates_per_item: candidates wanted from each source for each item asked for.
        source_shares: share of those that each source is asked for, which a pool may change (`settings.sources`); 0 is off. That of
            `explore`, and that of `latent`, is also the share of a page's places that it is sure of. Of this and the next, what is left out
            keeps its default.
        source_times: share of the time of the sources that each of them may take.
        unhurried_ms: with less time left than this for the sources a page goes without `explore`; with three quarters of it without
            `vectors` and `latent` too, with a half without `x2i`, with a quarter without `popular`. 0 for never.
        deeper_by: how many times more candidates each refill asks for.
        offered_per_item: candidates offered to one claim for each item asked for.
        trigger_share: largest share of the wanted candidates that one trigger may bring while others have more.
        profile_tag_share: weight of a tag of the profile, as a share of the person's heaviest trigger.
        query_share: weight of the weightiest term of a request's own query text, as a share of the person's heaviest trigger.
        city_share: weight of the city that a request names, likewise.
        prior_strength: pseudo-count of the site's terms in the prior of a pool (Dirichlet smoothing).
        priced_items: how many of the items a person touched last tell what they are used to paying.
        freshness_half_life_s: age at which freshness is one half.
        freshness_life_share: of an item with an end freshness is one half after this share of its life already, where that comes sooner: a
            quarter makes an auction of six hours old at five. 0 leaves the end out of it.
        popularity_half: decayed weight of events at which popularity is one half, where clients do not report what they show.
        popularity_exposures: where they do, so many exposures to the usual effect are added to those of an item before they are judged.
        ranker_share: how much of a score is the ranker's, where there is one; the rest is the weighted mean.
        ranker_time_share: share of the time left which a ranker may take; after that, the page goes on without it.
        ranker_pause_after, ranker_pause_ms: after so many answers in a row that came too late, of those that had at least half of the usual
            time, pages go without the ranker for so long at most; then one page tries it for all.
        max_exposures_without_click: so often may a pool show an item, and as often again for each click that it has there (other
            behaviour by its weight); exposures and clicks fade by the half-life of popularity. 0 for as often as it comes.
        least_left_s: an item that ends sooner than this is not shown: it would be over before it could be opened.
        source_weights: what the rank in each source counts for the dimension `rank`; what is left out keeps its default.
        rank_smoothing: rank at which a source's say has fallen to about a half.
        x2i_items: how many of the items that a person touched, and bought, last are looked up there.
        x2i_decay: what each of these weighs, of the one after it.
        x2i_term_share: what the lists of a person's terms weigh, of those of their items.
        pools_refresh_ms: how often the pools in memory are looked at again, which asks no server: a change is known everywhere within 1 s.
    """

    timeout_ms: Positive = 200
    opening_share: Share = 0.3
    source_share: Share = 0.6
    claim_floor_ms: Positive = 20
    candidates_per_item: Positive = 10
    source_shares: dict[SourceName, Share] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    source_times: dict[SourceName, Share] = field(default_factory=lambda: dict(DEFAULT_TIMES))
    unhurried_ms: Annotated[int, Meta(ge=0)] = 40
    deeper_by: Positive = 4
    offered_per_item: Positive = 2
    trigger_share: Share = 0.4
    profile_tag_share: Share = 0.5
    query_share: Annotated[float, Meta(ge=0)] = 1.5
    city_share: Annotated[float, Meta(ge=0)] = 0.3
    prior_strength: Annotated[float, Meta(ge=0)] = 20.0
    priced_items: Positive = 5
    freshness_half_life_s: Positive = 86_400
    freshness_life_share: Share = 0.25
    popularity_half: Annotated[float, Meta(gt=0)] = 5.0
    popularity_exposures: Annotated[float, Meta(gt=0)] = 20.0
    ranker_share: Share = 1.0
    ranker_time_share: Share = 0.3
    ranker_pause_after: Positive = 3
    ranker_pause_ms: Positive = 5_000
    max_exposures_without_click: Annotated[int, Meta(ge=0)] = 0
    least_left_s: Annotated[int, Meta(ge=0)] = 1
    source_weights: dict[str, Weight] = field(default_factory=_source_weights)
    rank_smoothing: Annotated[float, Meta(gt=0)] = 15.0
    x2i_items: Positive = 10
    x2i_decay: Share = 0.8
    x2i_term_share: Share = 0.05
    pools_refresh_ms: Annotated[int, Meta(ge=0)] = 100

    def __post_init__(self) -> None:
        force_setattr(self, "source_weights", _source_weights() | self.source_weights)

    @property
    def shares(self) -> dict[str, float]:
        """The share of each source where a pool says nothing of it."""
        return _over(DEFAULT_SHARES, self.source_shares)

    @property
    def times(self) -> dict[str, float]:
        """The share of the time of each source."""
        return _over(DEFAULT_TIMES, self.source_times)


def _over(defaults: Mapping[SourceName, float], said: Mapping[SourceName, float]) -> dict[str, float]:
    return {name: said.get(name, default) for name, default in defaults.items()}
