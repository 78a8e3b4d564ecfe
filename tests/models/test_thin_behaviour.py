"""Behaviour of which little is known: people with hardly any items, items of which nothing is told."""

import numpy as np
import pytest
from msgspec.structs import replace

from smallpool_core.encoder_ports import Parts
from smallpool_core.errors import Refused
from smallpool_models.vectors.behaviour import Behaviour, behaviour_of
from smallpool_models.vectors.ragged import ragged
from vectors_rig import SETTINGS, parts_of_id, people, small_world, vocabulary_of

torch = pytest.importorskip("torch")
from smallpool_models.evaluation.asked import questions_of  # noqa: E402
from smallpool_models.evaluation.next_item import MISSED, ranks  # noqa: E402
from smallpool_models.training.vectors.interests import _pieces, train_interests  # noqa: E402
from smallpool_models.training.vectors.item_network import ItemNetwork, ItemNetworkSettings  # noqa: E402
from smallpool_models.training.vectors.items_read import ItemsRead  # noqa: E402
from smallpool_models.training.vectors.skipgram import SkipGramSettings, train_items  # noqa: E402
from smallpool_models.training.vectors.user_network import UserNetwork  # noqa: E402
from smallpool_models.training.vectors.validation import UnderTraining  # noqa: E402
from smallpool_models.vectors.vocabulary import learnt_vocabulary  # noqa: E402

ONCE = replace(SETTINGS, epochs=1)
ITEMS = SkipGramSettings(epochs=1, negatives=24)


def silent(_doing: str, _done: int, _total: int) -> None: ...


def with_strangers() -> Behaviour:
    """Of every fourth item nothing is told, as where the file of listings lacks it."""
    rows = [[f"x{item}" if item and int(item) % 4 == 0 else item for item in row] for row in people()]
    return behaviour_of("own", rows, lambda item: Parts(item_id=item) if item.startswith("x") else parts_of_id(item))


def test_where_nobody_touched_two_items_before_the_last_ones_a_model_comes_out_all_the_same() -> None:
    world = small_world()
    short = replace(world, train=ragged([row[:1] for row in world.train]))
    for trained in (train_interests(short, vocabulary_of(short), ONCE, silent), train_items(short, vocabulary_of(short), ITEMS, silent)):
        assert trained.epochs[0].loss == 0
        assert all(torch.isfinite(weights).all() for weights in trained.network.parameters())


def test_a_pass_that_takes_longer_than_all_may_is_broken_off() -> None:
    world, told = small_world(), list[str]()

    def counts(doing: str, _done: int, _total: int) -> None:
        told.append(doing)

    train_interests(world, vocabulary_of(world), replace(SETTINGS, minutes=1e-9), counts)
    train_items(world, vocabulary_of(world), replace(ITEMS, epochs=3, minutes=1e-9, pairs_a_step=64), counts)
    assert told == ["reading", "epoch 1"] * 2


def test_what_has_no_vector_is_left_out_of_rows_as_it_is_where_they_are_served() -> None:
    known = np.array([False, True, False, True, True])
    assert [list(row) for row in _pieces(ragged([[1, 2, 0, 3, 4], [2, 2], [4, 3]]), 3, known)] == [[1, 3, 4], [], [4, 3]]


def test_items_of_which_nothing_is_known_do_not_move_what_is_learnt() -> None:
    world = with_strangers()
    vocabulary = learnt_vocabulary(world.items, [], 1, 1_000)
    without = replace(ONCE, items=ItemNetworkSettings(ids=False))
    strangers = {number for number, one in enumerate(world.items, start=1) if one.item_id.startswith("x")}
    kept = replace(world, train=ragged([[number for number in row.tolist() if number not in strangers] for row in world.train]))
    one, other = (train_interests(each, vocabulary, without, silent) for each in (world, kept))
    assert one.epochs[0].loss == other.epochs[0].loss
    assert train_items(world, vocabulary, replace(ITEMS, items=without.items), silent).epochs[0].loss > 0


def test_where_nothing_is_known_of_any_item_training_is_refused() -> None:
    world = behaviour_of("ids alone", people(), lambda item: Parts(item_id=item))
    vocabulary = learnt_vocabulary(world.items, [], 1, 1_000)
    with pytest.raises(Refused, match="nothing is known of any item"):
        train_interests(world, vocabulary, ONCE, silent)
    with pytest.raises(Refused, match="nothing is known of any item"):
        train_items(world, vocabulary, ITEMS, silent)


def test_an_item_that_has_an_id_alone_never_loses_it_in_training() -> None:
    world = behaviour_of("ids alone", people(), lambda item: Parts(item_id=item))
    network = ItemNetwork(ItemNetworkSettings(ids=True, drop_ids=0.9), vocabulary_of(world)).train()
    read = ItemsRead(world.items, vocabulary_of(world))
    vectors = network(*read.of(np.arange(1, len(read))))
    assert vectors.norm(dim=1).tolist() == pytest.approx([1.0] * len(world.items), abs=1e-5)


def test_validation_finds_neither_what_has_no_vector_nor_what_is_no_number() -> None:
    users = UserNetwork(SETTINGS.users).eval()
    vectors = torch.nn.functional.normalize(torch.randn(6, SETTINGS.users.width, generator=torch.Generator().manual_seed(1)), dim=1)
    known = np.array([False, True, True, True, False, True])
    asked = questions_of(ragged([[1, 2, 3], [1, 2, 4], [1, 2, 1]]))
    found = ranks(UnderTraining(users, vectors, known), asked, 1)
    broken = ranks(UnderTraining(users, vectors * torch.nan, known), asked, 1)
    assert (found[0] < 4, found[1:].tolist(), broken.tolist()) == (True, [MISSED] * 2, [MISSED] * 3)
