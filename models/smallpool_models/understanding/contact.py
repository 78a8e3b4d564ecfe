"""Contact details in a text, also where they are written so that a filter should miss them.

In: folded text (normalised, so digits of full width and circled ones are plain digits). Out: whether it holds a telephone number, or a
WeChat or QQ id: in Chinese numerals, with signs between the digits, after `薇`, `v`, `卫星` and other spellings.
"""

import re
from collections.abc import Iterator
from typing import Final

_NUMERALS: Final = {
    ord(sign): digit
    for signs, digit in zip(
        ("零〇洞", "一壹幺么", "二贰两", "三叁弎", "四肆", "五伍", "六陆", "七柒拐", "八捌", "九玖"), "0123456789", strict=True
    )
    for sign in signs
}
_SIGNS = r"[^\w]{0,3}"
_RUN = re.compile(rf"[0-9](?:{_SIGNS}[0-9])*")
_GROUP = re.compile(r"[0-9]+")
_MOBILE = re.compile(r"(?:86)?(1[3-9][0-9]{9})")
_GROUPINGS: Final = frozenset(
    {(11,), (2, 11), (13,), (3, 4, 4), (2, 3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (4, 7), (5, 6), (6, 5)}
)
"""How the digits of a number are told apart when they are not all single; sizes in a title fall otherwise."""
_LONE = 2
"""Groups of up to so many digits throughout are one number spelled out."""
_WECHAT = re.compile(
    rf"(?:[薇微威徽葳崴嶶v]{_SIGNS}[信芯心辛x]|[薇葳](?![a-z0-9]*[\u4e00-\u9fff])|卫星|围信|徽芯|wei{_SIGNS}xin|we{_SIGNS}chat"
    rf"|(?<![a-z0-9])(?:[vw]x|vv|加{_SIGNS}v|v(?=\s*[:：]))(?![a-z])){_SIGNS}[号id]{{0,2}}{_SIGNS}(?:[是为加]{_SIGNS})?"
    r"(?=[a-z0-9_-]*[0-9_-])[a-z0-9][a-z0-9_-]{5,19}"
)
"""An id of WeChat has 6 to 20 characters; one of letters alone may be a word."""
_QQ = re.compile(
    rf"(?:(?<![a-z0-9])q(?:{_SIGNS}q(?![a-z])|(?=\s*[:：]?\s*[0-9]{{6}}))|扣{_SIGNS}扣|蔻{_SIGNS}蔻|企鹅|秋秋|球球|叩叩)"
    rf"{_SIGNS}[群号]?{_SIGNS}(?:[是为加]{_SIGNS})?[1-9](?:{_SIGNS}[0-9]){{4,10}}(?![0-9])"
)


_DIGIT = f"[0-9{''.join(map(chr, _NUMERALS))}]"
_MAY_REACH = re.compile(rf"[a-z0-9_{''.join(map(chr, _NUMERALS))}-]{{6}}|{_DIGIT}(?:{_SIGNS}{_DIGIT}){{4}}")
"""What stands wherever there is a number or an id: one look spares most texts the others."""


def has_contact(text: str) -> bool:
    """Whether the text tells how to reach the seller elsewhere."""
    if _MAY_REACH.search(text) is None:
        return False
    told = text.translate(_NUMERALS)
    return any(map(_is_mobile, _runs(told))) or _WECHAT.search(told) is not None or _QQ.search(told) is not None


def _runs(told: str) -> Iterator[list[str]]:
    """Digits with nothing but signs between them, in groups as they are written."""
    return (_GROUP.findall(match.group()) for match in _RUN.finditer(told))


def _is_mobile(groups: list[str]) -> bool:
    if _MOBILE.fullmatch("".join(groups)) is None:
        return any(_MOBILE.fullmatch(group) for group in groups)
    sizes = tuple(map(len, groups))
    return sizes in _GROUPINGS or max(sizes) <= _LONE or any(_MOBILE.fullmatch(group) for group in groups)
