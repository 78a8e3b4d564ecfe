"""A small world with a taste in it: items of four categories, people who stay in one of them."""

import random
from functools import cache

from smallpool_core.encoder_ports import Parts
from smallpool_models.training.vectors.interests import InterestSettings
from smallpool_models.training.vectors.item_network import ItemNetworkSettings
from smallpool_models.training.vectors.user_network import UserNetworkSettings
from smallpool_models.vectors.behaviour import Behaviour, behaviour_of
from smallpool_models.vectors.vocabulary import VectorVocabulary, learnt_vocabulary

CATEGORIES = ("茶›普洱茶", "茶›白茶", "瓷器›茶器", "数码›手机")
PER_CATEGORY = 12


def parts_of_id(item_id: str) -> Parts:
    number = int(item_id)
    category = CATEGORIES[number // PER_CATEGORY]
    terms = (f"tag:t{number % 5}", f"brand:b{number % 3}")
    return Parts(category, terms, (f"词{number % 7}", category.partition("›")[2]), item_id)


def people(count: int = 120, seed: int = 1) -> list[list[str]]:
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        shelf = rng.randrange(len(CATEGORIES))
        own = [str(shelf * PER_CATEGORY + number) for number in rng.sample(range(PER_CATEGORY), 8)]
        rows.append([*own[:4], "", *own[4:]])
    return rows


@cache
def small_world() -> Behaviour:
    return behaviour_of("small world", people(), parts_of_id)


SETTINGS = InterestSettings(
    epochs=6,
    touches_a_step=250,
    negatives=24,
    rate=5e-3,
    mean_steps=20,
    items=ItemNetworkSettings(ids=True),
    users=UserNetworkSettings(blocks=1, turn=True),
)


def vocabulary_of(world: Behaviour) -> VectorVocabulary:
    return learnt_vocabulary(world.items, [one.item_id for one in world.items], 1, 1_000)
