"""Vectors are learnt from what people did, and from nothing that is kept apart."""

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from smallpool_core.errors import ModelRefused, Refused
from smallpool_models.vectors.behaviour import is_cold, read_sequences, without_items
from smallpool_models.vectors.ragged import ragged
from vectors_rig import SETTINGS, small_world, vocabulary_of

torch = pytest.importorskip("torch")
from smallpool_models.training.vectors.interests import _is_again, train_interests  # noqa: E402


def silent(_doing: str, _done: int, _total: int) -> None: ...


def weights(network: "torch.nn.Module") -> dict[str, "torch.Tensor"]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_who_stays_in_one_category_is_brought_items_of_it() -> None:
    world = small_world()
    trained = train_interests(world, vocabulary_of(world), SETTINGS, silent)
    assert trained.epochs[trained.best].dev["hr@10"] > 2 * 10 / len(world.items)


def test_a_training_that_was_broken_off_ends_as_one_that_was_not(tmp_path: Path) -> None:
    world = small_world()
    vocabulary = vocabulary_of(world)
    whole = train_interests(world, vocabulary, SETTINGS, silent)
    state = tmp_path / "training.pt"

    def stops(doing: str, _done: int, _total: int) -> None:
        if doing == "epoch 3":
            raise InterruptedError

    with pytest.raises(InterruptedError):
        train_interests(world, vocabulary, SETTINGS, stops, checkpoint=state)
    resumed = train_interests(world, vocabulary, SETTINGS, silent, checkpoint=state)
    assert [epoch.loss for epoch in resumed.epochs] == [epoch.loss for epoch in whole.epochs]
    mended = weights(resumed.network)
    assert all(torch.equal(value, mended[name]) for name, value in weights(whole.network).items())


def test_the_state_of_another_training_is_refused(tmp_path: Path) -> None:
    world, state = small_world(), tmp_path / "training.pt"
    train_interests(world, vocabulary_of(world), replace(SETTINGS, epochs=1), silent, checkpoint=state)
    other = replace(SETTINGS, users=replace(SETTINGS.users, interests=4))
    with pytest.raises(ModelRefused, match="go on with the data and settings"):
        train_interests(world, vocabulary_of(world), other, silent, checkpoint=state)
    fewer = replace(world, train=ragged(list(world.train)[1:]))
    for behaviour, settings in ((world, replace(SETTINGS, epochs=1, seed=2)), (fewer, replace(SETTINGS, epochs=1))):
        with pytest.raises(ModelRefused, match="on other data or with other settings"):
            train_interests(behaviour, vocabulary_of(world), settings, silent, checkpoint=state)
    state.write_bytes(b"no state")
    with pytest.raises(ModelRefused, match=r"training\.pt"):
        train_interests(world, vocabulary_of(world), SETTINGS, silent, checkpoint=state)


def test_the_last_two_items_of_a_sequence_are_not_learnt_from(tmp_path: Path) -> None:
    file = tmp_path / "sequences.txt"
    file.write_text("1 11 12 13 14\n2 21 22\n3 31\n", encoding="ascii")
    read = read_sequences(file, None)
    ids = [one.item_id for one in read.items]
    assert [[ids[number - 1] for number in row] for row in read.train] == [["11", "12"], ["21"], ["31"]]
    assert [[ids[number - 1] for number in row] for row in read.dev] == [["11", "12", "13"]]
    assert [ids[row[-1] - 1] for row in read.test] == ["14", "22", "31"]


def test_what_a_person_touches_last_changes_nothing_that_is_learnt() -> None:
    world = small_world()
    other = replace(world, test=world.dev)
    one, two = (train_interests(each, vocabulary_of(each), replace(SETTINGS, epochs=1), silent) for each in (world, other))
    found = weights(two.network)
    assert all(torch.equal(value, found[name]) for name, value in weights(one.network).items())


def test_cold_items_are_in_nothing_that_is_learnt_from() -> None:
    world = small_world()
    kept = without_items(world, lambda item_id: is_cold(item_id, 0.3))
    cold = {number for number, one in enumerate(world.items, start=1) if is_cold(one.item_id, 0.3)}
    assert cold
    assert not cold & set(np.concatenate([kept.train.values, kept.dev.values]).tolist())
    assert list(kept.test.values) == list(world.test.values)
    with pytest.raises(Refused, match="0 that decide"):
        without_items(world, lambda _: True)


def test_a_line_that_is_no_sequence_is_refused_with_its_number(tmp_path: Path) -> None:
    file = tmp_path / "sequences.txt"
    for wrong in (b'{"items": [1, 2], "target": 3}', b"2 11 \xff"):
        file.write_bytes(b"1 11 12 13\n" + wrong + b"\n")
        with pytest.raises(Refused, match=r"sequences\.txt:2"):
            read_sequences(file, None)


def test_people_who_touched_too_little_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "sequences.txt"
    file.write_text("1 11\n", encoding="ascii")
    with pytest.raises(Refused, match="touched at least three items"):
        read_sequences(file, None)


def test_where_an_item_comes_again_nothing_is_asked() -> None:
    history, following = np.array([[1, 2, 1, 3], [4, 4, 0, 0]]), np.array([[2, 1, 3, 4], [4, 5, 0, 0]])
    found = _is_again(history, following) & (following > 0)
    assert found.tolist() == [[False, True, False, False], [True, False, False, False]]
