"""The items of a training as numbers, and their vectors as a net makes them.

In: items and a vocabulary. Out: a step's tensors, no wider than what its items have; the vectors of all items.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from smallpool_core.encoder_ports import Parts
from smallpool_models.training.vectors.item_network import ItemNetwork
from smallpool_models.vectors.ragged import Numbers
from smallpool_models.vectors.vocabulary import ItemReader, VectorVocabulary

_AT_ONCE = 4096


class ItemsRead:
    """Items by number, from 1 on; number 0 is none and has nothing."""

    def __init__(self, items: Sequence[Parts], vocabulary: VectorVocabulary) -> None:
        reader = ItemReader(vocabulary)
        blocks = [reader.read(items[start : start + _AT_ONCE]) for start in range(0, len(items), _AT_ONCE)]
        self._terms, self._words, self._ids = (
            np.concatenate([np.zeros_like(parts[0][:1]), *parts]).astype(np.int32)
            for parts in ([one.terms for one in blocks], [one.words for one in blocks], [one.ids for one in blocks])
        )
        self.known = np.concatenate([np.zeros(1, dtype=np.bool_), *(one.known for one in blocks)])

    def __len__(self) -> int:
        return len(self._ids)

    def of(self, items: Numbers) -> tuple[Tensor, Tensor, Tensor]:
        """What the net reads of these items."""
        return _narrow(self._terms[items]), _narrow(self._words[items]), torch.from_numpy(self._ids[items].astype(np.int64))

    @torch.no_grad()
    def vectors(self, network: ItemNetwork) -> Tensor:
        """(items + 1, d): of all items, as they are served."""
        was, device = network.training, network.whole.device
        network.eval()
        numbers = np.arange(len(self))
        rows = [network(*(one.to(device) for one in self.of(numbers[start : start + _AT_ONCE]))) for start in range(0, len(self), _AT_ONCE)]
        network.train(was)
        return torch.cat(rows)


def _narrow(numbers: "np.ndarray[tuple[int, int], np.dtype[np.int32]]") -> Tensor:
    widest = max(int((numbers > 0).sum(axis=1).max(initial=0)), 1)
    return torch.from_numpy(numbers[:, :widest].astype(np.int64))
