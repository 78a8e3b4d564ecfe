"""The interests of a person: general network, fusion gate, and the gate that selects in training (seed section 05).

In: what a person touched, oldest first, as vectors of the item space. Out: for each place in it K interests, rows of unit length, of what
lies up to there, so that one pass learns from every item of a row.

The general network is attention: blocks that look back with a bias by how many steps, over which each of K questions gathers the touched
items. s_i is gathered by what the blocks made of the row and by recency, p_i from all of it without order;
z_i = (1 − G) ⊙ s_i + G ⊙ p_i with G = σ(w¹e + w²s_i + w³p_i), e being the profile.
"""

from math import log

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from smallpool_models.training.vectors.item_network import HIDDEN_LOGIT, unit

STEPS_BACK = 64
"""So many steps back are told apart; what lies further back counts as that far."""


class UserNetworkSettings(Struct, frozen=True):
    """`interests` is K. Without `fusion` the mid and long term is left out and z_i = s_i. With `turn` what is gathered goes through a
    matrix first: what an item asks for is then not what it is found by, so that one item may come after another and never before it. In
    training `drop` of what is computed is left out, and `drop_touched` of the touched items.
    """

    width: int = 64
    interests: int = 3
    turn: bool = False
    blocks: int = 2
    heads: int = 2
    fusion: bool = True
    drop: float = 0.2
    drop_touched: float = 0.1


class Touched(Struct, frozen=True):
    """Rows of a step: `vectors` (rows, places, d), `there` (rows, places) bool, `profile` (rows, places, d), zeros where none is known."""

    vectors: Tensor
    there: Tensor
    profile: Tensor


class Block(nn.Module):
    """Attention that looks back, and a layer behind it, each added to what comes in."""

    def __init__(self, settings: UserNetworkSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asks, self.keys, self.values = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.joins = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.back = nn.Parameter(torch.zeros(settings.heads, STEPS_BACK))
        self.drop = nn.Dropout(settings.drop)

    def forward(self, rows: Tensor, allowed: Tensor, steps: Tensor) -> Tensor:
        """(rows, places, d) -> the same; `allowed` (rows, 1, places, places) is added to the logits."""
        count, places, width = rows.shape
        normal = self.before(rows)

        def by_head(layer: nn.Module) -> Tensor:
            told: Tensor = layer(normal)
            return told.reshape(count, places, self.heads, width // self.heads).transpose(1, 2)

        logits = by_head(self.asks) @ by_head(self.keys).transpose(2, 3) * (width // self.heads) ** -0.5
        shares = self.drop(torch.softmax(logits + self.back[:, steps] + allowed, dim=3))
        seen = (shares @ by_head(self.values)).transpose(1, 2).reshape(count, places, width)
        rows = rows + self.drop(self.joins(seen))
        out: Tensor = rows + self.drop(self.down(functional.relu(self.up(self.between(rows)))))
        return out


class UserNetwork(nn.Module):
    """`blocks` of attention, and K questions on each of the two terms."""

    def __init__(self, settings: UserNetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        width, interests = settings.width, settings.interests
        self.enter = nn.Linear(width, width)
        self.turn = nn.Parameter(torch.eye(width), requires_grad=settings.turn)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.blocks))
        self.last = nn.LayerNorm(width)
        self.asks = nn.Linear(width, interests * width)
        self.keys = nn.Linear(width, width)
        self.own = nn.Linear(width, interests * width)
        self.back = nn.Parameter(-torch.arange(STEPS_BACK).float().repeat(interests, 1) * log(1 / 0.8))
        self.long_keys = nn.Linear(width, width)
        self.long_asks = nn.Parameter(torch.randn(interests, width) * width**-0.5)
        self.from_profile = nn.Linear(width, width)
        self.from_short, self.from_long = (nn.Linear(width, width, bias=False) for _ in range(2))
        self.drop = nn.Dropout(settings.drop)
        for layer in (self.own, self.from_profile, self.from_short, self.from_long):
            nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(self.own.bias)
        nn.init.constant_(self.from_profile.bias, -1.0)

    @torch.no_grad()
    def begin_ahead(self) -> None:
        """Begins where `spectral_vectors` does: the half by which an item asks is turned into the half by which one is found."""
        half = self.settings.width // 2
        self.turn.zero_()
        self.turn[:half, half:] = 2**0.5 * torch.eye(half)

    def forward(self, touched: Touched) -> Tensor:
        """(rows, places, K, d) of unit length: the interests as of each place."""
        short = self.short(touched)
        if not self.settings.fusion:
            return unit(short)
        return unit(self.fused(short, self.long(touched), touched.profile.unsqueeze(2)))

    def short(self, touched: Touched) -> Tensor:
        """s: (rows, places, K, d)."""
        there, vectors = touched.there, touched.vectors
        count, places, width = vectors.shape
        interests = self.settings.interests
        if self.training and self.settings.drop_touched:
            vectors = vectors * (torch.rand(count, places, 1, device=vectors.device) >= self.settings.drop_touched)
        allowed, steps = _looking_back(there)
        rows: Tensor = self.drop(self.enter(vectors * width**0.5))
        for block in self.blocks:
            rows = block(rows, allowed, steps)
        rows = self.last(rows)
        asks = self.asks(rows).reshape(count, places, interests, width).transpose(1, 2)
        logits = asks @ self.keys(rows).unsqueeze(1).transpose(2, 3) * width**-0.5
        shares = torch.softmax(logits + self.back[:, steps] + allowed, dim=3)
        gathered = (shares @ self.turned(touched.vectors).unsqueeze(1)).transpose(1, 2)
        short: Tensor = gathered + self.own(rows).reshape(count, places, interests, width)
        return short

    def long(self, touched: Touched) -> Tensor:
        """p: (rows, places, K, d), of all that lies up to a place, in no order."""
        allowed, _ = _looking_back(touched.there)
        logits = torch.tanh(self.long_keys(touched.vectors * self.settings.width**0.5)) @ self.long_asks.T
        shares = torch.softmax(logits.transpose(1, 2).unsqueeze(2) + allowed, dim=3)
        gathered: Tensor = (shares @ self.turned(touched.vectors).unsqueeze(1)).transpose(1, 2)
        return gathered

    def turned(self, vectors: Tensor) -> Tensor:
        """What touched items ask for; of the same shape."""
        return vectors @ self.turn.T if self.settings.turn else vectors

    def fused(self, short: Tensor, long: Tensor, profile: Tensor) -> Tensor:
        """The fusion gate; of the same shape as `short`."""
        gate = torch.sigmoid(self.from_profile(profile) + self.from_short(short) + self.from_long(long))
        fused: Tensor = (1 - gate) * short + gate * long
        return fused


def _looking_back(there: Tensor) -> tuple[Tensor, Tensor]:
    """What each place may look at, (rows, 1, places, places) to be added to logits, and how many steps back it is, (places, places)."""
    places = torch.arange(there.shape[1], device=there.device)
    steps = (places[:, None] - places[None, :]).clamp(0, STEPS_BACK - 1)
    ahead = places[None, :] > places[:, None]
    hidden = ahead | ~there[:, None, None, :]
    return HIDDEN_LOGIT * hidden, steps
