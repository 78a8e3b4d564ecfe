"""What rules and recall call a field, and what it is called in the index; how text becomes a key.

In: names of fields and attributes, levels, text. Out: names in the index, keys that Elasticsearch takes whatever their length.
"""

from hashlib import sha256
from urllib.parse import quote

from smallpool_core.fields import ATTRIBUTE_PREFIX
from smallpool_core.row_reader import MAX_PATH

CATEGORY_WITHIN = "category_within"
"""The category path and all paths that lead to it, so that a prefix of a path is one term."""
MAX_MEMBERS = 1_024
"""An item with more members in one set is refused; so a rule that asks for more of them at once holds for none."""
LONG_KEY = 1_000
"""Text of more characters is kept as its digest: Elasticsearch takes no key above 32,766 bytes."""


def stored_name(field: str) -> str:
    """Where the values of a field of the table, or of `attributes.NAME`, lie."""
    if not field.startswith(ATTRIBUTE_PREFIX):
        return field
    return ATTRIBUTE_PREFIX + attribute_name(field.removeprefix(ATTRIBUTE_PREFIX))


def attribute_name(name: str) -> str:
    """An attribute's name without the characters that mean something in the name of an indexed field."""
    return name if name.isidentifier() else quote(name, safe="").replace(".", "%2E")


def spread_name(level: int | None) -> str:
    """The field that holds the spread key at this level; no path is longer than the deepest of them."""
    return "category" if level is None or level >= MAX_PATH else f"spread_{level}"


def key(text: str) -> str:
    """The text as it is stored and asked for: itself, or its digest where it is long."""
    # A control character never begins a value of a rule, so a digest meets no text.
    return text if len(text) <= LONG_KEY else f"\x01{sha256(text.encode()).hexdigest()}"


def items_alias(prefix: str) -> str:
    """What the index of items that serves is called by."""
    return f"{prefix}-items"


def next_items_alias(prefix: str) -> str:
    """What the index of items that is filled to serve next is called by, while there is one."""
    return f"{prefix}-items-next"
