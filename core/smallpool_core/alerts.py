"""What an operator is told of a pool without asking: alerts, from the first sign until it is over and was told."""

from typing import Final, Literal, get_args

from msgspec import Struct

AlertKind = Literal["empty", "inflow_stopped", "page_fill_low"]
ALERT_KINDS: Final[tuple[AlertKind, ...]] = get_args(AlertKind)


class Alert(Struct, frozen=True):
    """One kind of trouble of one pool; times in ms.

    Until `raised_at` it is a sign that has shown `times` times in a row; from then on `times` counts how often in a row all was well.
    `figure` is what was judged by: items in the pool, listings that came in, or the share of a page that was filled. `told` says whether
    the receiver of alerts has taken in that it was raised or, once `cleared_at` is set, that it is over.
    """

    pool_id: str
    kind: AlertKind
    since: int
    times: int = 1
    figure: float = 0.0
    raised_at: int | None = None
    cleared_at: int | None = None
    told: bool = False

    @property
    def alert_id(self) -> str:
        """The same for the raising and the clearing, and for every time that either is sent."""
        return f"{self.kind}.{self.raised_at}.{self.pool_id}"

    @property
    def stands(self) -> bool:
        """Whether it was raised and is not over."""
        return self.raised_at is not None and self.cleared_at is None
