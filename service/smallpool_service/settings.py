"""What an operator may tune of the read path; every default says what it is for."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]


class ReadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the read path, the same in every wiring. Times carry their unit, shares are in [0, 1].

    Attributes:
        timeout_ms: time to answer in when the caller sets no deadline.
        opening_share: share of that time which reading the seen list, the triggers and the profile may take.
        source_share: share of what is then left which the sources may take, side by side.
        claim_floor_ms: a claim is given at least this long, so that a late request still closes its page.
        candidates_per_item: candidates wanted from each source for each item asked for.
        supporting_share: share of those that is wanted from the sources that do not ask for what the person likes.
        deeper_by: how many times more candidates each refill asks for.
        offered_per_item: candidates offered to one claim for each item asked for.
        trigger_share: largest share of the wanted candidates that one trigger may bring while others have more.
        profile_tag_share: weight of a tag of the profile, as a share of the person's heaviest trigger.
        prior_strength: pseudo-count of the site's terms in the prior of a pool (Dirichlet smoothing).
        priced_items: how many of the items a person touched last tell what they are used to paying.
        freshness_half_life_s: age at which freshness is one half.
        freshness_life_share: of an item with an end freshness is one half after this share of its life already, where that comes sooner: a
            quarter makes an auction of six hours old at five. 0 leaves the end out of it.
        popularity_half: decayed weight of events at which popularity is one half, where clients do not report what they show.
        popularity_exposures: where they do, so many exposures to the usual effect are added to those of an item before they are judged.
        ranker_share: how much of a score is the ranker's, where there is one; the rest is the weighted mean.
        ranker_time_share: share of the time left which a ranker may take; after that, the page goes on without it.
        max_exposures_without_click: so often may a pool show an item, and as often again for each click that it has there (other
            behaviour by its weight); exposures and clicks fade by the half-life of popularity. 0 for as often as it comes.
        least_left_s: an item that ends sooner than this is not shown: it would be over before it could be opened.
        pools_refresh_ms: how often the pools in memory are looked at again, which asks no server: a change is known everywhere within 1 s.
    """

    timeout_ms: Positive = 200
    opening_share: Share = 0.3
    source_share: Share = 0.6
    claim_floor_ms: Positive = 20
    candidates_per_item: Positive = 10
    supporting_share: Share = 0.25
    deeper_by: Positive = 4
    offered_per_item: Positive = 2
    trigger_share: Share = 0.4
    profile_tag_share: Share = 0.5
    prior_strength: Annotated[float, Meta(ge=0)] = 20.0
    priced_items: Positive = 5
    freshness_half_life_s: Positive = 86_400
    freshness_life_share: Share = 0.25
    popularity_half: Annotated[float, Meta(gt=0)] = 5.0
    popularity_exposures: Annotated[float, Meta(gt=0)] = 20.0
    ranker_share: Share = 1.0
    ranker_time_share: Share = 0.3
    max_exposures_without_click: Annotated[int, Meta(ge=0)] = 0
    least_left_s: Annotated[int, Meta(ge=0)] = 1
    pools_refresh_ms: Annotated[int, Meta(ge=0)] = 100
