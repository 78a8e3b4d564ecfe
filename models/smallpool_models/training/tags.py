"""Trains the machines that tag titles, two a tag: one by least squares and one with margins, which err on different titles.

In: titles with tags, settings. Out: `TrainedLabels`, whose net has its linear reader alone: what the machines learnt of each run of
characters, and the runs of the tags' names, added up in one table. No title is remembered: votes gained too little.
"""

import time

import numpy as np
import torch
from numpy.typing import NDArray

from smallpool_core.errors import Problem, TitlesRefused
from smallpool_models.labels.deciding import fitted_rule, given_tags, probabilities
from smallpool_models.labels.grams import GramReader, learnt_vocabulary
from smallpool_models.labels.nearest import remembered_titles
from smallpool_models.labels.rows import LabelSet
from smallpool_models.ner.titles import parted
from smallpool_models.training.hinge import sparse
from smallpool_models.training.label_network import LINEAR_SCALE, LabelNetwork, LabelNetworkSettings
from smallpool_models.training.labels import LabelEpoch, LabelSettings, Report, TrainedLabels, truth_of
from smallpool_models.training.margins import margin_machines
from smallpool_models.training.squares import machines, trust

LEAST_TAG = 0.1
"""The likeliest tag of a title is given where it is at least so likely, whatever its threshold."""
MOST_TITLES = 10_000
"""The products of all titles with each other are held in memory; of more, so many by a hash of the text are learnt from."""
RIDGE = 0.3
COST = 10.0
"""Both measured, see docs/results/understanding.md."""
_PART = 256


def train_tags(one: LabelSet, settings: LabelSettings, report: Report) -> TrainedLabels:
    """Solves all machines at once; thresholds are chosen on what the machines say of titles that they have not seen. Raises `TitlesRefused`
    where there is too little to learn from.
    """
    torch.set_num_threads(1)
    started = time.process_time()
    report("reading", 0, 4)
    learnt = list(one.titles)
    if len(learnt) > MOST_TITLES:
        _, learnt = parted(learnt, MOST_TITLES / len(learnt), f"learnt {settings.seed}")
    labels = tuple(sorted({label for title in learnt for label in title.labels}))
    if len(labels) < 2:
        raise TitlesRefused([Problem(one.name, f"{len(labels)} tags", "at least two tags")])
    vocabulary = learnt_vocabulary([title.text for title in learnt], settings.fewest)
    reader = GramReader(vocabulary)
    titles, names = reader.read([title.text for title in learnt]), reader.read(labels)
    truth = truth_of(learnt, labels)
    rows, named = sparse(titles, len(vocabulary.grams)), sparse(names, len(vocabulary.grams))
    report("comparing titles", 1, 4)
    products = _products(rows, rows)
    report("solving", 2, 4)
    weights, scores = machines(products, truth, RIDGE)
    margins = margin_machines(products, truth, COST)
    report("choosing thresholds", 3, 4)
    likeness = _products(rows, named)
    counted = trust(scores, margins.scores, likeness, truth).astype(np.float32)
    by_squares, by_margins, by_name, added = counted
    held_out = probabilities(scores * by_squares + margins.scores * by_margins + likeness * by_name + added)
    rule = fitted_rule(held_out, truth > 0, LEAST_TAG)
    found = given_tags(held_out, rule)
    figure = float(2 * (found & (truth > 0)).sum() / max(found.sum() + truth.sum(), 1))
    network = LabelNetwork(LabelNetworkSettings(sums=0), len(vocabulary.grams), len(labels))
    learnt_rows = torch.sparse.mm(rows.t(), torch.from_numpy(weights * by_squares + margins.weights * by_margins))
    with torch.no_grad():
        network.table(0).copy_((learnt_rows + named.to_dense().t() * torch.from_numpy(by_name)) / LINEAR_SCALE)
        network.bias.copy_(torch.from_numpy(added + margins.bias * by_margins))
    network.round_off()
    report("done", 4, 4)
    counts = {"titles": len(one.titles), "train": len(learnt), "dev": len(learnt), "labels": len(labels), "grams": len(vocabulary.grams)}
    epoch = LabelEpoch(1, 0.0, figure, time.process_time() - started)
    forgotten = remembered_titles((), labels, 0.0)
    return TrainedLabels(network.eval(), vocabulary, labels, forgotten, rule, (epoch,), 0, counts, {"f1": figure})


def _products(rows: torch.Tensor, others: torch.Tensor) -> NDArray[np.float32]:
    """Each of the rows times each of the others, a part of the others at a time."""
    parts = [
        torch.sparse.mm(rows, others.index_select(0, torch.arange(first, min(first + _PART, others.shape[0]))).to_dense().t())
        for first in range(0, others.shape[0], _PART)
    ]
    products: NDArray[np.float32] = torch.cat(parts, dim=1).numpy()
    return products
