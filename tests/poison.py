"""Item events that are none: whatever the bytes, they must cost only themselves."""

POISON = {
    "no JSON": b'{"type": "published", "item_id": "x",',
    "no UTF-8": b'{"type": "published", "item_id": "\xff\xfe"}',
    "half a surrogate": b'{"type":"published","item_id":"x","version":1,"at":0,"item":{"title":"\\ud800"}}',
    "no object": b"[1, 2, 3]",
    "empty": b"",
    "another schema": b'{"kind": "put", "sku": 12}',
    "no version": b'{"type":"published","item_id":"x","at":0,"item":{"title":"x"}}',
    "a price that is none": b'{"type":"published","item_id":"x","version":1,"at":0,"item":{"title":"x","price_cents":NaN}}',
    "5 MB": b'{"type":"published","item_id":"x","version":1,"at":0,"item":{"title":"' + b"x" * 5_000_000 + b'"}}',
    "10,000 deep": b'{"type":' * 10_000 + b"1" + b"}" * 10_000,
}
