"""The bounds of the HTTP API: what one request may cost, and how many are under way at once."""

from typing import Annotated

from msgspec import Meta, Struct

KIB = 1024
MIB = 1024 * KIB


class HttpLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """Bounds on requests; each is there so that no caller can take memory or time from all the others.

    body_bytes, event_body_bytes: largest body of an event batch and of everything else.
    body_timeout_ms: how long a body may take to arrive.
    header_bytes, target_bytes: largest headers in all, and largest path with its query.
    head_timeout_ms: how long the line and the headers of a request may take to arrive.
    max_timeout_ms: longest deadline that `X-Smallpool-Timeout-Ms` may set; a larger one counts as this.
    in_flight: requests under way at once. reserve: how many more operators may have when that many are.
    queue_ms: how long a request may have waited for its turn in a busy process before it is refused.
    user_wait_ms, item_wait_ms: how long `wait=applied` waits at most.
    failed_keys_per_minute: how many unknown API keys one address may try.
    """

    body_bytes: Annotated[int, Meta(ge=1)] = 256 * KIB
    event_body_bytes: Annotated[int, Meta(ge=1)] = 8 * MIB
    body_timeout_ms: Annotated[int, Meta(ge=1)] = 10_000
    header_bytes: Annotated[int, Meta(ge=1)] = 16 * KIB
    target_bytes: Annotated[int, Meta(ge=1)] = 8 * KIB
    head_timeout_ms: Annotated[int, Meta(ge=1)] = 10_000
    max_timeout_ms: Annotated[int, Meta(ge=1)] = 10_000
    in_flight: Annotated[int, Meta(ge=1)] = 256
    reserve: Annotated[int, Meta(ge=0)] = 32
    queue_ms: Annotated[int, Meta(ge=1)] = 300
    user_wait_ms: Annotated[int, Meta(ge=0)] = 200
    item_wait_ms: Annotated[int, Meta(ge=0)] = 5_000
    failed_keys_per_minute: Annotated[int, Meta(ge=1)] = 100
