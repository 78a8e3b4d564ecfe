"""The promises of the port `UserProfiles`, on every adapter."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from builders import NOW
from redis_cluster import shared_cluster
from redis_rig import Opened, shared_redis
from smallpool_core.ports import UserProfiles
from smallpool_core.users import Profile
from smallpool_stores.redis.profiles import RedisUserProfiles
from smallpool_stores.sqlite.profiles import SqliteUserProfiles
from smallpool_stores.sqlite.schema import open_database


@contextmanager
def sqlite_profiles(folder: Path) -> Iterator[UserProfiles]:
    database = open_database(folder / "smallpool.db")
    yield SqliteUserProfiles(database)
    database.close()


@contextmanager
def redis_profiles(_: Path, opened: Opened = shared_redis) -> Iterator[UserProfiles]:
    with opened() as connection:
        yield RedisUserProfiles(connection)


ADAPTERS = {"sqlite": sqlite_profiles, "redis": redis_profiles, "redis cluster": partial(redis_profiles, opened=shared_cluster)}


@pytest.fixture(params=ADAPTERS)
def profiles(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UserProfiles]:
    with ADAPTERS[request.param](tmp_path) as adapter:
        yield adapter


def test_a_stranger_has_no_profile(profiles: UserProfiles) -> None:
    assert asyncio.run(profiles.get("u:nobody")) is None


def test_a_profile_comes_back_as_it_was_put(profiles: UserProfiles) -> None:
    profile = Profile(("数码", "文玩"), {"level": 3, "score": 0.5, "city": "杭州"}, NOW)
    asyncio.run(profiles.put("u:u1", profile))
    assert asyncio.run(profiles.get("u:u1")) == profile
    assert asyncio.run(profiles.get("d:u1")) is None


def test_a_profile_is_replaced_as_a_whole(profiles: UserProfiles) -> None:
    asyncio.run(profiles.put("u:u1", Profile(("数码",), {"level": 3}, NOW)))
    asyncio.run(profiles.put("u:u1", Profile(("文玩",), {}, NOW + 1)))
    assert asyncio.run(profiles.get("u:u1")) == Profile(("文玩",), {}, NOW + 1)
