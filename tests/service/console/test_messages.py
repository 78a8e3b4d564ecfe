"""What core says of mistakes is said in Chinese in the Chinese console, by the same checks."""

from string import Formatter
from urllib.parse import quote

import msgspec

from console_rig import Desk
from smallpool_core.errors import Problem
from smallpool_core.messages import MESSAGES, problem
from smallpool_service.console.words import load_messages, load_words


def values_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_message_of_core_is_translated_with_the_same_values() -> None:
    translated = load_messages("zh")
    assert translated.keys() == MESSAGES.keys()
    for code, sentence in MESSAGES.items():
        assert values_in(translated[code]) == values_in(sentence), code


def test_a_mistake_is_told_in_the_language_of_the_page() -> None:
    words = load_words()
    mistake = problem("$.value", "'x'", "value.integer", field="price_cents")
    assert words["en"].said(mistake) == mistake.message == "`price_cents` takes an integer"
    assert words["zh"].said(mistake) == "`price_cents` 的值应为整数"


def test_what_nobody_translated_is_told_as_it_is() -> None:
    assert load_words()["zh"].said(Problem("x", "y", "something else")) == "something else"


def test_the_chinese_console_tells_a_rule_mistake_in_chinese_and_the_english_one_in_english(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    draft = quote(msgspec.json.encode({"rule": {"field": "price_cents", "op": "lt", "value": "ten"}}).decode())
    address = f"/console/lab/replay?pool=p&day=2026-11-27&draft={draft}"
    assert "`price_cents` 的值应为整数" in desk.get(address).text.replace("&#39;", "'")
    desk.cookies.set("smallpool_language", "en", path="/console")
    assert "`price_cents` takes an integer" in desk.get(address).text


def test_settings_and_boosts_out_of_bounds_are_told_in_chinese(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    form = {"revision": "1", "reason": "x", "max_per_category": "900", "seen_size": "200", "when_exhausted": "stop"}
    form |= {f"weight-{name}": "1" for name in ("match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity")}
    form |= {"boost-condition": '{"field": "luck", "op": "eq", "value": 1}', "boost-factor": "99"}
    text = desk.form("/console/pools/p/page", form).text
    assert "应为 1 到 100 的整数" in text
    assert "提权系数应大于 1，最多 10" in text
    assert "没有这个字段" in text
