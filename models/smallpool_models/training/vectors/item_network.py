"""The item unit network: an item's vector from what it is and from how it is sold, and where it is old enough from its id.

In: numbers of terms, title words and ids. Out: (items, d) float32, rows of unit length.

Seed section 03: embeddings of category levels, attributes and selling points are shared by all items; the title speaks through
At(Q, K, V) = softmax(QKᵀ/√d)V, in which what the item is asks (Q) and the title answers (K and V).
"""

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from smallpool_models.vectors.vocabulary import FIRST, NOTHING, UNKNOWN, VectorVocabulary

HIDDEN_LOGIT = -1e4
"""What is added to the logit of what is not there: its share is then 0 in float32."""
LEAST_LENGTH = 1e-6


class ItemNetworkSettings(Struct, frozen=True):
    """`width` is d. `hidden` units turn the sum of the parts before it is scaled; 0 leaves it as it is. With `ids` an item that is old
    enough has a residual of its own, which is left out of a share `drop_ids` of the items of a step, so that the parts learn to do without;
    what has an id alone keeps it. Of as many items as `drop_parts` says, each time, a step reads the title alone, the terms alone, or one
    term alone: any of it may be missing when it counts, and a person's taste is a term that has nothing beside it.
    """

    width: int = 64
    hidden: int = 128
    ids: bool = False
    drop_ids: float = 0.1
    drop_parts: float = 0.1


class ItemNetwork(nn.Module):
    """Shared embeddings, one residual a known id."""

    def __init__(self, settings: ItemNetworkSettings, vocabulary: VectorVocabulary) -> None:
        super().__init__()
        self.settings = settings
        terms, words, ids = vocabulary.sizes
        width = settings.width
        self.terms = nn.Embedding(terms, width, padding_idx=NOTHING)
        self.words = nn.Embedding(words, width, padding_idx=NOTHING)
        self.ids = nn.Embedding(ids if settings.ids else FIRST, width, padding_idx=NOTHING)
        self.term_weights = nn.Parameter(_log_rarity(vocabulary.term_rarity))
        self.word_weights = nn.Parameter(_log_rarity(vocabulary.word_rarity))
        self.whole = nn.Parameter(torch.randn(width) * width**-0.5)
        self.title_share = nn.Parameter(torch.tensor(0.5))
        self.up = nn.Linear(width, settings.hidden)
        self.down = nn.Linear(settings.hidden, width)
        for table in (self.terms, self.words):
            nn.init.normal_(table.weight, std=width**-0.5)
        nn.init.normal_(self.ids.weight, std=0.3 * width**-0.5)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)
        with torch.no_grad():
            for table in (self.terms, self.words, self.ids):
                table.weight[NOTHING] = 0
            self.terms.weight[UNKNOWN] = self.words.weight[UNKNOWN] = self.ids.weight[UNKNOWN] = 0

    def forward(self, terms: Tensor, words: Tensor, ids: Tensor) -> Tensor:
        """(items, terms), (items, words), (items,) int64 -> (items, d); of an item that has nothing a row without length."""
        if self.training and self.settings.drop_parts:
            terms, words = self._with_less(terms, words)
        weights = torch.exp(self.term_weights[terms]) * (terms > NOTHING)
        is_what = unit((weights.unsqueeze(1) @ self.terms(terms)).squeeze(1))
        parts = is_what + self.title_share * self._told(terms, weights, words)
        if self.settings.ids:
            known = self.ids(ids)
            if self.training and self.settings.drop_ids:
                is_kept = torch.rand(len(ids), device=ids.device) >= self.settings.drop_ids
                known = known * (is_kept | _has_nothing(terms, words)).unsqueeze(1)
            parts = parts + known
        return unit(parts + self.down(functional.relu(self.up(parts))) if self.settings.hidden else parts)

    def _with_less(self, terms: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        """The same, but that some items have only a part of what they have."""
        has_terms, has_words = (terms > NOTHING).any(dim=1), (words > NOTHING).any(dim=1)
        chance = torch.rand(len(terms), device=terms.device) / self.settings.drop_parts
        lacks_terms = (chance < 1) & has_words & has_terms
        one_alone = (chance >= 1) & (chance < 2) & has_terms
        lacks_words = ((chance >= 2) & (chance < 3) & has_terms) | one_alone
        kept = torch.argmax(torch.rand(terms.shape, device=terms.device) * (terms > NOTHING), dim=1, keepdim=True)
        is_kept = torch.zeros_like(terms, dtype=torch.bool).scatter_(1, kept, value=True)
        terms = terms * ~lacks_terms.unsqueeze(1) * (is_kept | ~one_alone.unsqueeze(1))
        return terms, words * ~lacks_words.unsqueeze(1)

    def _told(self, terms: Tensor, weights: Tensor, words: Tensor) -> Tensor:
        """(items, d): what the title says where each term, and the item as a whole, asks it; nothing without a title."""
        if not bool((words > NOTHING).any()):
            return torch.zeros(len(words), self.settings.width, device=words.device)
        there = words > NOTHING
        rows = self.words(words)
        asking = torch.cat([self.whole.expand(len(words), 1, -1), self.terms(terms)], dim=1)
        likeness = asking @ rows.transpose(1, 2) * self.settings.width**-0.5
        shares = torch.softmax(likeness + (self.word_weights[words] + HIDDEN_LOGIT * ~there).unsqueeze(1), dim=2)
        counts = torch.cat([torch.ones(len(words), 1, device=words.device), weights], dim=1).unsqueeze(1)
        return unit((counts @ (shares @ rows)).squeeze(1) * there.any(dim=1, keepdim=True))


def _has_nothing(terms: Tensor, words: Tensor) -> Tensor:
    """(items,) which are told by their id alone: without it their rows have no length, and gradients through these none that is finite."""
    return ~((terms > NOTHING).any(dim=1) | (words > NOTHING).any(dim=1))


def unit(rows: Tensor) -> Tensor:
    """Scaled to unit length on the last axis; what has hardly any stays short."""
    scaled: Tensor = rows / rows.norm(dim=-1, keepdim=True).clamp_min(LEAST_LENGTH)
    return scaled


def _log_rarity(rarity: tuple[float, ...]) -> Tensor:
    return torch.from_numpy(np.log(np.array([1.0] * FIRST + list(rarity), dtype=np.float32)))
