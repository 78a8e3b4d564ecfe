"""Listings spoilt on purpose, in kinds: those of training, and others by which what was trained is measured.

In: a listing, what else is around, a seeded generator. Out: the spoilt copy; None where there is nothing to spoil that way.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from smallpool_core.items import Given


class Around(Struct, frozen=True):
    """What a copy may be made of: words and titles of other listings, categories as paths, and how a title is cut into words."""

    words: Sequence[str]
    titles: Sequence[str]
    categories: Sequence[tuple[str, ...]]
    cut: Callable[[str], Sequence[str]]


Spoil = Callable[[Given, Around, random.Random], Given | None]

_HYPE = ("全网最低价", "爆款", "秒杀", "极品", "顶级", "热卖", "必买", "史上最低", "跳楼价", "疯抢")
_FORBIDDEN = ("高仿", "精仿", "超A", "复刻", "莆田", "原单", "代开发票", "刷单", "假证")
_SIGNS = "!！★☆~～#@^*&【】"
_NUMERALS = "零一二三四五六七八九"
_WIDE = str.maketrans("0123456789abcdefghijklmnopqrstuvwxyz", "０１２３４５６７８９ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ")
_SURNAMES = ("wang", "zhang", "laoli", "chen", "liu", "zhou")
_APPS = ("微信", "薇信", "V信", "wx", "vx", "卫星号", "加微信", "威信", "加V：", "v：")


def cut_short(given: Given, _: Around, rng: random.Random) -> Given | None:
    """The title ends in the middle."""
    kept = int(len(given.title) * rng.uniform(0.2, 0.45))
    return replace(given, title=given.title[:kept]) if kept > 1 else None


def mistyped(given: Given, around: Around, rng: random.Random) -> Given | None:
    """Every fourth character is another one, out of other titles."""
    letters = "".join(rng.sample(list(around.titles), min(20, len(around.titles))))
    title = "".join(rng.choice(letters) if sign.isalnum() and rng.random() < 0.25 else sign for sign in given.title)
    return replace(given, title=title) if title != given.title else None


def transposed(given: Given, _: Around, rng: random.Random) -> Given | None:
    """Characters change places with their neighbours."""
    signs = list(given.title)
    for place in range(0, len(signs) - 1, 2):
        if rng.random() < 0.7:
            signs[place], signs[place + 1] = signs[place + 1], signs[place]
    title = "".join(signs)
    return replace(given, title=title) if title != given.title else None


def hyped(given: Given, _: Around, rng: random.Random) -> Given:
    """Words of hype around the title."""
    return replace(given, title="".join([*rng.sample(_HYPE, 2), given.title, *rng.sample(_HYPE, 2)]))


def said_twice(given: Given, _: Around, __: random.Random) -> Given:
    """The title twice over."""
    return replace(given, title=f"{given.title} {given.title}")


def full_of_signs(given: Given, _: Around, rng: random.Random) -> Given:
    """A sign after every other character."""
    return replace(given, title="".join(sign + (rng.choice(_SIGNS) if rng.random() < 0.5 else "") for sign in given.title))


def forbidden(given: Given, _: Around, rng: random.Random) -> Given:
    """What may not be sold."""
    return replace(given, title=f"{rng.choice(_FORBIDDEN)} {given.title}")


def without_photos(given: Given, _: Around, __: random.Random) -> Given | None:
    """No picture."""
    return replace(given, image_count=0, images=()) if given.image_count else None


def without_price(given: Given, _: Around, __: random.Random) -> Given | None:
    """No price."""
    return replace(given, price_cents=None) if given.price_cents is not None else None


def overpriced(given: Given, _: Around, rng: random.Random) -> Given | None:
    """Some ten times what it is worth."""
    return replace(given, price_cents=int(given.price_cents * rng.uniform(8, 30))) if given.price_cents else None


def two_things(given: Given, around: Around, rng: random.Random) -> Given:
    """The title runs on into that of another listing."""
    other = rng.choice(around.titles)
    return replace(given, title=given.title[: len(given.title) * 2 // 3] + other[len(other) // 3 :])


def another_title(given: Given, around: Around, rng: random.Random) -> Given | None:
    """The title of something else, under the category and price of this."""
    other = rng.choice(around.titles)
    return replace(given, title=other) if given.category and other != given.title else None


def stuffed(given: Given, around: Around, rng: random.Random) -> Given:
    """Six to twelve words that buyers look for, of other things."""
    return replace(given, title=" ".join([given.title, *rng.sample(list(around.words), min(len(around.words), rng.randint(6, 12)))]))


def with_contact(given: Given, _: Around, rng: random.Random) -> Given:
    """A telephone number, a WeChat or a QQ id, half of the time written so that a filter should miss it."""
    digits = f"1{rng.choice('3456789')}{rng.randrange(10**9):09}"
    kind = rng.choice(("phone", "wechat", "qq"))
    if kind == "phone":
        forms = (
            digits,
            f"{digits[:3]}-{digits[3:7]}-{digits[7:]}",
            " ".join(digits),
            digits.translate(_WIDE),
            "".join(_NUMERALS[int(one)] for one in digits),
        )
        told = f"电话{rng.choice(forms)}"
    elif kind == "wechat":
        name = f"{rng.choice(_SURNAMES)}{rng.randrange(100, 100_000)}"
        told = f"{rng.choice(_APPS)}{rng.choice(('', ' ', '：'))}{rng.choice((name, name, name.translate(_WIDE)))}"
    else:
        number = str(rng.randrange(10**7, 10**9))
        told = f"{rng.choice(('QQ', 'qq:', '扣扣', 'Q Q', '企鹅号'))}{rng.choice((number, ' '.join(number), number.translate(_WIDE)))}"
    if rng.random() < 0.5:
        return replace(given, title=f"{given.title} {told}")
    return replace(given, description=f"{given.description} {told}")


def absurdly_priced(given: Given, _: Around, rng: random.Random) -> Given | None:
    """A thousand times what it is worth, or a thousandth."""
    if not given.price_cents:
        return None
    return replace(given, price_cents=max(1, int(given.price_cents * rng.choice((1_000, 0.001)))))


def words_dropped(given: Given, around: Around, rng: random.Random) -> Given | None:
    """A third to a half of the words is missing."""
    words = around.cut(given.title)
    if len(words) < 3:
        return None
    gone = set(rng.sample(range(len(words)), max(1, int(len(words) * rng.uniform(0.33, 0.5)))))
    return replace(given, title="".join(word for place, word in enumerate(words) if place not in gone))


def shuffled(given: Given, around: Around, rng: random.Random) -> Given | None:
    """All words, signs and spaces in another order."""
    words = list(around.cut(given.title))
    mixed = rng.sample(words, len(words))
    title = "".join(mixed)
    return replace(given, title=title) if title != given.title and len(words) > 2 else None


def in_another_category(given: Given, around: Around, rng: random.Random) -> Given | None:
    """A category under which other things are sold; its top is another one too, where there are several."""
    others = [path for path in around.categories if given.category and path[0] != given.category[0]]
    return replace(given, category=rng.choice(others)) if others else None


OF_TRAINING: Final[Mapping[str, Spoil]] = MappingProxyType(
    {
        "cut short": cut_short, "mistyped": mistyped, "transposed": transposed, "hyped": hyped, "said twice": said_twice,
        "full of signs": full_of_signs, "forbidden": forbidden, "without photos": without_photos, "without price": without_price,
        "overpriced": overpriced, "two things": two_things, "another title": another_title,
    }
)  # fmt: skip
OF_MEASURING: Final[Mapping[str, Spoil]] = MappingProxyType(
    {
        "stuffing": stuffed, "contact details": with_contact, "absurd price": absurdly_priced, "words dropped": words_dropped,
        "shuffled": shuffled, "swapped category": in_another_category,
    }
)  # fmt: skip
