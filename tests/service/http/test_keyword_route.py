"""Related keywords, over HTTP: who typed something is offered what else they may look for."""

from dataclasses import replace
from typing import Any

import pytest

from http_rig import Api, assert_problem
from keyword_rig import NAMES, FewWords
from smallpool_models.intent.keywords import KeywordBook
from smallpool_service.http.app import create_app

ROUTE = "/v1/keywords/related"


@pytest.fixture
def shop(api: Api) -> Api:
    """Two teapots by the same hand, and the names of the knowledge base."""
    api.parts = replace(api.parts, keywords=KeywordBook(FewWords, NAMES))
    api.app = create_app(api.parts)
    api.publish(*({"item_id": f"i{place}", "category": ["茶具", "茶壶"], "title": f"茶壶 {place}"} for place in range(2)))
    return api


def asked(shop: Api, **params: Any) -> dict[str, Any]:
    answer = shop.get(ROUTE, params=params)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def words(told: dict[str, Any]) -> list[str]:
    return [one["keyword"] for one in told["keywords"]]


def test_a_buyer_who_looks_for_tea_is_offered_what_belongs_to_it_and_no_phone(shop: Api) -> None:
    told = asked(shop, q="茶叶")
    assert told["query"] == "茶叶"
    assert told["model"] == FewWords.version
    assert set(words(told)) == {"紫砂壶", "茶壶", "茶具"}
    scores = [one["score"] for one in told["keywords"]]
    assert scores == sorted(scores, reverse=True)


def test_size_says_how_many(shop: Api) -> None:
    assert len(words(asked(shop, q="茶叶", size=1))) == 1


@pytest.mark.parametrize("text", ["", "😀🍵", "*:* AND (茶 OR 壶)~2", "茶" * 700, "\u202e茶", "ｔｅａ", "a\x00b", "%00", "'; DROP TABLE"])
def test_case_24_whatever_is_typed_is_text(text: str, shop: Api) -> None:
    told = asked(shop, q=text)
    assert told["query"] == text
    assert all(one["score"] > 0 for one in told["keywords"])


def test_no_query_at_all_has_no_keywords(shop: Api) -> None:
    assert asked(shop)["keywords"] == []


def test_without_a_model_there_are_no_keywords_and_none_is_named(api: Api) -> None:
    assert asked(api, q="茶叶") == {"query": "茶叶", "keywords": [], "model": ""}


@pytest.mark.parametrize("size", ["0", "-1", "1000000000", "ten", "1.5"])
def test_case_23_a_size_that_is_none_is_refused(size: str, shop: Api) -> None:
    assert_problem(shop.get(ROUTE, params={"q": "茶", "size": size}), 422)


def test_reading_keywords_takes_the_role_of_recall(shop: Api) -> None:
    assert_problem(shop.get(ROUTE, key=shop.key("ingest")), 403)
    assert_problem(shop.get(ROUTE, key=None), 401)
    assert shop.get(ROUTE, key=shop.key("recall")).status_code == 200
