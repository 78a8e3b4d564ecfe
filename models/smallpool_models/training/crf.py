"""The negative log-likelihood of tags under a linear-chain CRF (Lafferty, McCallum, Pereira, 2001), over a batch.

In: emissions, tags and lengths, time first. Out: one number a title. The forward pass is held in probabilities that are scaled
at each step, so that it is one matrix product a step, where sums of exponentials over all pairs of tags would be tens of times slower.
"""

import torch
from torch import Tensor

_LEAST = 1e-30


def negative_log_likelihood(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(titles,) for emissions (longest, titles, size) and tags (longest, titles)."""
    return log_partition(emissions, lengths, transitions) - score_of(emissions, tags, lengths, transitions)


def log_partition(emissions: Tensor, lengths: Tensor, transitions: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(titles,): the logarithm of the sum over all taggings.

    A last, silent tag is entered from the end of a title and never left, so that titles of all lengths take the same steps.
    """
    between, start, end = (part.exp() for part in transitions)
    longest, titles, size = emissions.shape
    between = torch.cat([torch.cat([between, end[:, None]], dim=1), torch.eye(size + 1)[-1:]])
    inside = (torch.arange(longest + 1)[:, None] < lengths)[..., None]
    largest = emissions.amax(dim=-1, keepdim=True)
    spoken = torch.cat([(emissions - largest).exp(), torch.ones(1, titles, size)]) * inside
    weights = torch.cat([spoken, (~inside).to(emissions.dtype)], dim=-1)
    reached = torch.cat([start.expand(titles, size), torch.zeros(titles, 1)], dim=-1) * weights[0]
    scales = []
    for place in range(1, longest + 1):
        scale = reached.sum(dim=-1, keepdim=True).clamp_min(_LEAST)
        scales.append(scale)
        reached = ((reached / scale) @ between) * weights[place]
    scales.append(reached[:, -1:].clamp_min(_LEAST))
    return torch.cat(scales, dim=-1).log().sum(dim=-1) + (largest * inside[:-1]).sum(dim=(0, 2))


def score_of(emissions: Tensor, tags: Tensor, lengths: Tensor, transitions: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """(titles,): the score of these tags."""
    between, start, end = transitions
    inside = (torch.arange(len(tags))[:, None] < lengths).to(emissions.dtype)
    emitted = (emissions.gather(-1, tags[..., None]).squeeze(-1) * inside).sum(dim=0)
    moved = (between[tags[:-1], tags[1:]] * inside[1:]).sum(dim=0)
    last = tags.gather(0, (lengths.long() - 1)[None]).squeeze(0)
    return emitted + moved + start[tags[0]] + end[last]
