"""Shares of sources in the console: what is typed is saved, what is left empty follows the settings, the history tells of it."""

import pytest

from console_rig import Desk

FORM = {"revision": "1", "reason": "x", "max_per_category": "3", "seen_size": "200", "when_exhausted": "stop", "max_size": ""}
FORM |= {f"weight-{name}": "1" for name in ("match", "vector", "rank", "quality", "freshness", "seller", "price_fit", "popularity")}


def test_a_share_that_is_typed_is_saved_and_an_empty_one_is_left_to_the_settings(desk: Desk) -> None:
    desk.api.make_pool()
    desk.log_in()
    assert 'placeholder="0.25"' in desk.get("/console/pools/p/page").text
    sent = FORM | {"share-explore": "0.2", "share-popular": "0", "share-newest": ""}
    assert desk.form("/console/pools/p/page", sent).status_code == 303
    assert desk.api.get("/v1/pools/p").json()["settings"]["sources"] == {"explore": 0.2, "popular": 0.0}
    assert 'name="share-explore" type="number" min="0" max="1" step="any" value="0.2"' in desk.get("/console/pools/p/page").text
    assert "来源份额 探索: 0.2" in desk.get("/console/pools/p/history").text


@pytest.mark.parametrize("typed", ["1.5", "-1", "much", "nan"])
def test_what_is_no_share_is_refused_beside_its_field(desk: Desk, typed: str) -> None:
    desk.api.make_pool()
    desk.log_in()
    refused = desk.form("/console/pools/p/page", FORM | {"share-vectors": typed})
    assert refused.status_code == 422
    assert 'id="e-settings-sources-vectors"' in refused.text
    assert "份额应在 0（关闭）到 1 之间" in refused.text
