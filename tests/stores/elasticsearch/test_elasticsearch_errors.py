"""Every error of the Elasticsearch client becomes one of ours, with what to do."""

import inspect
from typing import Any

import elastic_transport
import elasticsearch
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig

from smallpool_core.errors import StoreError, StoreFull, StoreUnavailable
from smallpool_stores.elasticsearch.edge import translated

META = ApiResponseMeta(200, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "127.0.0.1", 9200))


def vendor_errors() -> set[type[Exception]]:
    """Every exception that the client's two packages define."""
    named = [one for module in (elastic_transport, elasticsearch, elasticsearch.exceptions) for one in vars(module).values()]
    return {one for one in named if inspect.isclass(one) and issubclass(one, Exception) and not issubclass(one, Warning)}


def answered(status: int, kind: str = "some_exception", error: type[elastic_transport.ApiError] = elasticsearch.ApiError) -> Exception:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.1, META.node)
    return error(kind, meta, {"error": {"type": kind, "reason": "because"}})


def ours(error: Exception) -> StoreError:
    with pytest.raises(StoreError) as raised, translated("do it"):
        raise error
    assert str(raised.value).startswith("could not do it: ")
    assert raised.value.__cause__ is error
    return raised.value


@pytest.mark.parametrize("kind", sorted(vendor_errors(), key=str))
def test_no_error_of_the_client_gets_through(kind: type[Any]) -> None:
    ours(answered(500, error=kind) if issubclass(kind, elastic_transport.ApiError) else kind("broken"))


@pytest.mark.parametrize("error", [elastic_transport.ConnectionError("refused"), elastic_transport.ConnectionTimeout("late")])
def test_a_server_that_is_away_or_late_is_unavailable(error: Exception) -> None:
    assert isinstance(ours(error), StoreUnavailable)


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (429, "circuit_breaking_exception", StoreUnavailable),
        (429, "cluster_block_exception", StoreFull),
        (403, "cluster_block_exception", StoreFull),
        (403, "security_exception", StoreError),
        (401, "security_exception", StoreError),
        (404, "index_not_found_exception", StoreError),
        (400, "parsing_exception", StoreError),
        (500, "null_pointer_exception", StoreUnavailable),
        (503, "cluster_block_exception", StoreUnavailable),
        (503, "search_phase_execution_exception", StoreUnavailable),
    ],
)
def test_a_status_is_what_a_caller_can_do_about_it(status: int, kind: str, expected: type[StoreError]) -> None:
    error = ours(answered(status, kind))
    assert type(error) is expected
    assert f"{status} {kind}: because; " in str(error)


def test_what_is_not_elasticsearch_is_named_as_such() -> None:
    assert "not Elasticsearch" in str(ours(answered(200, error=elasticsearch.UnsupportedProductError)))
