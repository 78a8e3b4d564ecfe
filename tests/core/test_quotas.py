"""Quotas as operators write them: limits, with the path of each mistake."""

import pytest

from smallpool_core.fields import Attributes
from smallpool_core.pools import Ordering, PoolSettings, check_settings
from smallpool_core.quotas import Quota, check_quotas

ANY: dict[str, object] = {"all": []}
NONE = Attributes({})


def mistakes(*quotas: Quota) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in check_quotas(quotas, NONE, None)]


@pytest.mark.parametrize("quota", [Quota(ANY, at_most=0), Quota(ANY, at_least=1), Quota(ANY, at_most=100, at_least=100)])
def test_sound_quotas_have_no_mistakes(quota: Quota) -> None:
    assert mistakes(quota) == []


def test_every_mistake_is_told_with_its_path() -> None:
    wrong = (Quota(ANY), Quota(ANY, at_most=-1), Quota(ANY, at_least=0), Quota(ANY, at_most=1, at_least=2), Quota({"any": {}}, 1))
    assert mistakes(*wrong) == [
        ("ordering.quotas[0]", "pool.quota"),
        ("ordering.quotas[1].at_most", "pool.whole"),
        ("ordering.quotas[2].at_least", "pool.whole"),
        ("ordering.quotas[3].at_least", "pool.quota_crossed"),
        ("ordering.quotas[4].condition.any", "rule.group"),
    ]
    assert mistakes(*[Quota(ANY, 1)] * 11) == [("ordering.quotas", "pool.quotas")]


@pytest.mark.parametrize("diversity", [-0.1, 1.0, float("nan")])
def test_a_share_of_diversity_out_of_bounds_is_refused(diversity: float) -> None:
    assert [one.path for one in check_settings(PoolSettings(), Ordering(diversity=diversity))] == ["ordering.diversity"]


@pytest.mark.parametrize("cap", [0, 101])
def test_a_cap_per_seller_out_of_bounds_is_refused(cap: int) -> None:
    assert [one.path for one in check_settings(PoolSettings(max_per_seller=cap), Ordering())] == ["settings.max_per_seller"]
