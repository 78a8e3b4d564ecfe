"""The order of an item's records: the largest (version, enrich) is its state.

`version` is the seller's, `0 <= v < 2^43`. `enrich` rises with each re-enrichment of a listing and is
reserved at its top for removals, so that a removal outranks every re-enrichment of the same version and only
a higher version lists the item again.
"""

MAX_VERSION = 2**43 - 1
ENRICH_BITS = 20
MAX_ENRICH = 2**20 - 9
"""The last re-enrichment of one version; after it re-enrichment stops and is counted."""
ENRICH_EXPIRED = 2**20 - 5
ENRICH_WITHDRAWN = 2**20 - 4
ENRICH_SOLD = 2**20 - 3
ENRICH_STRIPPED = 2**20 - 1

ENRICH_OF_STATE = {
    "expired": ENRICH_EXPIRED,
    "withdrawn": ENRICH_WITHDRAWN,
    "sold": ENRICH_SOLD,
}


def packed(version: int, enrich: int) -> int:
    """(version, enrich) as one integer below 2^63 that sorts as the pair does."""
    return (version << ENRICH_BITS) | enrich


def unpacked(order: int) -> tuple[int, int]:
    """The (version, enrich) that `packed` made this integer of."""
    return order >> ENRICH_BITS, order & (2**ENRICH_BITS - 1)
