"""Titles as a seller edits them when the same thing is listed again, and titles of other things that read nearly the same.

In: a title, its words, a seeded generator. Out: by kind, the edited title; None where the title gives nothing to edit that way.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

Edit = Callable[[Sequence[str], random.Random], str | None]
"""Words of a title, which joined are the title -> another title."""

_SALES = (
    "清仓", "包邮", "现货速发", "正品保证", "急出", "可刀", "喜欢的来", "限时特惠", "顺丰发货", "送礼佳品", "店主推荐", "手慢无", "真心出",
    "喜欢直接拍", "支持验货", "热卖爆款", "新客立减", "送运费险", "不议价", "搬家清理", "福利款", "老板跑路价",
)  # fmt: skip
_WEAR = ("全新", "95新", "九成新", "99新未使用", "几乎全新", "8成新", "自用闲置", "二手", "有轻微使用痕迹", "成色很好")
_PRICES = ("只要{}元", "¥{}", "特价{}包邮", "{}块出", "原价{}", "到手价{}元")
_SIGNS = ("！！", "~", "【", "】", "★", "·", "//", "，", "---", "。")
_EMOJI = ("🔥", "✨", "👍", "📱", "💰", "❤️", "🎁", "🌟")
_OPENINGS = ("自己买来用了一阵子的", "出一个", "朋友送的", "换新了，旧的", "手头闲着一只", "去年入手的", "家里多出来的", "单位发的")
_CLOSINGS = (
    "，成色看图，问题都拍了", " 当时专柜入的，用得少", "，用不上转给需要的人", "便宜给大家", " 放家里占地方，想给它找个新主人",
    "，功能正常，细节看照片", "，不退不换想好再拍", "，同城可以自己来取",
)  # fmt: skip
_COLOURS = ("黑色", "白色", "红色", "蓝色", "绿色", "粉色", "灰色", "紫色", "黄色", "银色", "金色", "棕色")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_COLOUR = re.compile("|".join(_COLOURS))


def reordered(words: Sequence[str], rng: random.Random) -> str | None:
    """The title in three or four pieces, in another order."""
    if len(words) < 4:
        return None
    cuts = sorted(rng.sample(range(1, len(words)), min(len(words) - 1, rng.choice((2, 3)))))
    pieces = ["".join(words[start:end]) for start, end in zip([0, *cuts], [*cuts, len(words)], strict=True)]
    mixed = rng.sample(pieces, len(pieces))
    return " ".join(mixed if mixed != pieces else mixed[::-1])


def with_sales_words(words: Sequence[str], rng: random.Random) -> str:
    """Before and after the title what sells."""
    before, after = rng.sample(_SALES, rng.choice((0, 1))), rng.sample(_SALES, rng.choice((1, 2)))
    return " ".join([*before, "".join(words), *after])


def with_signs(words: Sequence[str], rng: random.Random) -> str:
    """Signs between the words."""
    return "".join(word + (rng.choice(_SIGNS) if rng.random() < 0.25 else "") for word in words) + "！"


def with_emoji(words: Sequence[str], rng: random.Random) -> str:
    """Emoji before, after and between."""
    return rng.choice(_EMOJI) + "".join(word + (rng.choice(_EMOJI) if rng.random() < 0.15 else "") for word in words) + rng.choice(_EMOJI)


def with_wear(words: Sequence[str], rng: random.Random) -> str:
    """Another grade of wear."""
    return f"{rng.choice(_WEAR)} {''.join(words)}"


def with_price(words: Sequence[str], rng: random.Random) -> str:
    """A price in the title."""
    return f"{''.join(words)} {rng.choice(_PRICES).format(rng.randint(5, 3_000))}"


def with_words_dropped(words: Sequence[str], rng: random.Random) -> str | None:
    """One word in six left out, at least one."""
    if len(words) < 5:
        return None
    gone = set(rng.sample(range(len(words)), max(1, len(words) // 6)))
    return "".join(word for place, word in enumerate(words) if place not in gone)


def edited_twice(words: Sequence[str], rng: random.Random) -> str | None:
    """Reordered, and one of the additions."""
    moved = reordered(words, rng)
    return None if moved is None else rng.choice((with_sales_words, with_wear, with_emoji, with_price))([moved], rng)


def with_another_number(words: Sequence[str], rng: random.Random) -> str | None:
    """One number is another one: a size, an amount, a model."""
    title = "".join(words)
    found = list(_NUMBER.finditer(title))
    if not found:
        return None
    match = rng.choice(found)
    number = float(match.group())
    other = rng.choice((number * 2, number + 1, number + 10)) or 2.0
    return f"{title[: match.start()]}{other:g}{title[match.end() :]}"


def with_another_colour(words: Sequence[str], rng: random.Random) -> str | None:
    """One colour is another one."""
    title = "".join(words)
    match = _COLOUR.search(title)
    if match is None:
        return None
    other = rng.choice([colour for colour in _COLOURS if colour not in title])
    return f"{title[: match.start()]}{other}{title[match.end() :]}"


def in_own_words(words: Sequence[str], rng: random.Random) -> str | None:
    """The same model, by its number and first word, in the words of another seller."""
    named = [word for word in words if re.search("[a-z0-9]", word, re.IGNORECASE)]
    if not named or len(words) < 4:
        return None
    return f"{rng.choice(_OPENINGS)}{words[0]}{''.join(named[:3])}{words[-1]}{rng.choice(_CLOSINGS)}"


SAME_THING: Final[Mapping[str, Edit]] = MappingProxyType(
    {
        "reordered": reordered,
        "sales words": with_sales_words,
        "signs": with_signs,
        "emoji": with_emoji,
        "wear": with_wear,
        "price": with_price,
        "words dropped": with_words_dropped,
        "edited twice": edited_twice,
    }
)
OTHER_THING: Final[Mapping[str, Edit]] = MappingProxyType(
    {"another number": with_another_number, "another colour": with_another_colour, "own words": in_own_words}
)
