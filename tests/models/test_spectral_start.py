"""Where the vectors of items begin, on people who keep to one taste of two."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from smallpool_models.training.vectors.item_network import ItemNetwork, ItemNetworkSettings  # noqa: E402
from smallpool_models.training.vectors.items_read import ItemsRead  # noqa: E402
from smallpool_models.training.vectors.spectral import ID_LENGTH, begin_at, spectral_vectors  # noqa: E402
from smallpool_models.training.vectors.user_network import UserNetwork, UserNetworkSettings  # noqa: E402
from smallpool_models.vectors.ragged import Ragged, ragged  # noqa: E402
from smallpool_models.vectors.vocabulary import FIRST  # noqa: E402
from vectors_rig import small_world, vocabulary_of  # noqa: E402

ITEMS = 40


def rows() -> Ragged:
    rng = np.random.default_rng(3)
    return ragged((1 + 2 * rng.permutation(ITEMS // 2)[:6] + rng.integers(2)).tolist() for _ in range(300))


def test_what_comes_after_an_item_begins_near_what_the_item_asks_for() -> None:
    vectors = spectral_vectors(rows(), ITEMS + 1, 8, 1).numpy()[1:-1]
    asked = vectors[:, 4:] @ vectors[:, :4].T
    taste = np.arange(ITEMS) % 2
    together = (taste[:, None] == taste) & ~np.eye(ITEMS, dtype=bool)
    assert asked[together].mean() > asked[taste[:, None] != taste].mean() + 0.15


def test_what_comes_before_an_item_does_not() -> None:
    one_way = ragged(sorted(row.tolist()) for row in rows())
    vectors = spectral_vectors(one_way, ITEMS + 1, 32, 1).numpy()[1:-1]
    asked = vectors[:, 16:] @ vectors[:, :16].T
    taste = np.arange(ITEMS) % 2
    soon = np.triu((taste[:, None] == taste) & ~np.eye(ITEMS, dtype=bool))
    assert asked[soon].mean() > asked.T[soon].mean() + 0.1


def test_the_net_of_people_begins_by_asking_for_what_came_after() -> None:
    users = UserNetwork(UserNetworkSettings(width=8, interests=1, turn=True))
    users.begin_ahead()
    vectors = spectral_vectors(rows(), ITEMS, 8, 1)[1:]
    asks = torch.nn.functional.normalize(vectors[:, 4:], dim=1)
    assert torch.allclose(users.turned(vectors), torch.nn.functional.pad(asks, (0, 4)), atol=1e-4)


def test_they_are_of_unit_length_and_what_nobody_touched_has_none() -> None:
    vectors = spectral_vectors(rows(), ITEMS + 1, 8, 1)
    lengths = vectors.norm(dim=1)
    assert torch.allclose(lengths[1:-1], torch.ones(ITEMS), atol=1e-4)
    assert (lengths[[0, -1]] < 1e-4).all()


def test_the_same_seed_begins_at_the_same_place() -> None:
    assert torch.equal(spectral_vectors(rows(), ITEMS, 8, 1), spectral_vectors(rows(), ITEMS, 8, 1))


def test_fewer_items_than_dimensions_fill_up_with_nothing() -> None:
    vectors = spectral_vectors(ragged([[1, 2], [2, 3], [1, 3]]), 3, 16, 1)
    assert vectors.shape == (4, 16)
    assert torch.isfinite(vectors).all()


def test_ids_begin_at_their_items_and_terms_at_the_mean_of_the_items_that_have_them() -> None:
    world = small_world()
    vocabulary = vocabulary_of(world)
    network, read = ItemNetwork(ItemNetworkSettings(width=8, ids=True), vocabulary), ItemsRead(world.items, vocabulary)
    vectors = torch.nn.functional.normalize(torch.randn(len(read), 8, generator=torch.Generator().manual_seed(1)), dim=1)
    begin_at(network, read, vectors)
    terms, _, ids = read.of(np.arange(len(read)))
    assert torch.allclose(network.ids.weight[ids[5]], ID_LENGTH * vectors[5])
    some = int(terms[5][terms[5] >= FIRST][0])
    mean = vectors[(terms == some).any(dim=1)].sum(dim=0)
    assert torch.allclose(network.terms.weight[some], mean / mean.norm(), atol=1e-5)
    assert not network.terms.weight[0].any()
