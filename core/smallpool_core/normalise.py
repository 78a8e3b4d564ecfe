"""The one normal form in which rule fields, term keys and spread keys are stored and compared.

`NFKC(casefold(NFKC(s)))`, Unicode's NFKC_Casefold without the removal of default-ignorables. Ids are never
normalised: item_id and seller_id are compared exactly.
"""

import re
import unicodedata
from collections.abc import Sequence

PATH_SEPARATOR = "›"
"""Joins the elements of a category path into one key; refused inside an element."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def normalise(text: str) -> str:
    """The stored form of a keyword: full-width, ligatures and case folded; idempotent."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def path_key(path: Sequence[str]) -> str:
    """A category path as one key, `("数码", "手机")` -> `"数码›手机"`; elements are normalised."""
    return PATH_SEPARATOR.join(normalise(element) for element in path)


def top_category(category_key: str) -> str:
    """The first element of a category key."""
    return category_key.partition(PATH_SEPARATOR)[0]


def has_surrogate(text: str) -> bool:
    """Whether a lone surrogate is in the text, which no store can encode as UTF-8."""
    return _SURROGATE.search(text) is not None
