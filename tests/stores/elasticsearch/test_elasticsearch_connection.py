"""How Elasticsearch is reached: who asks, over what, through which node, and for how long."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import NOW, wide_item
from elasticsearch_rig import NO_ATTRIBUTES, item_indices, settings
from loopback_proxy import Delay, Hang, LoopbackProxy, loopback_proxy
from market import rule
from smallpool_core.errors import SettingsRefused, StoreUnavailable
from smallpool_core.pages import Query, Scope
from smallpool_stores.elasticsearch.connection import Connection
from smallpool_stores.elasticsearch.reader import ElasticsearchItemReader
from smallpool_stores.elasticsearch.settings import ElasticsearchSettings
from smallpool_stores.elasticsearch.writer import ElasticsearchItemWriter

HOME = Query(Scope("home", rule({"all": []}), trusted=True, everything=True), frozenset(), 3, 10, NOW)


@pytest.fixture(scope="module")
def proxy() -> Iterator[LoopbackProxy]:
    with loopback_proxy(settings().url) as running:
        yield running


def refusing() -> str:
    """An address that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def headers_of(proxy: LoopbackProxy, **changes: str) -> str | None:
    """What the server is told of who asks, by both clients."""
    connection = Connection(settings(url=proxy.url, **changes))
    proxy.calls.clear()
    connection.sync.cluster.health()
    asyncio.run(_healthy(connection))
    connection.close()
    (sent,) = {call.headers.get("authorization") for call in proxy.calls}
    return sent


async def _healthy(connection: Connection) -> None:
    await (await connection.asynchronous()).cluster.health()


def test_who_asks_is_said_by_key_or_by_name(proxy: LoopbackProxy) -> None:
    assert headers_of(proxy) is None
    assert headers_of(proxy, api_key="c2VjcmV0") == "ApiKey c2VjcmV0"
    assert headers_of(proxy, username="elastic", password="päss") == "Basic ZWxhc3RpYzpww6Rzcw=="


def test_tls_is_checked_against_the_authority_that_is_named(tmp_path: Path) -> None:
    certificate, private = tmp_path / "node.crt", tmp_path / "node.key"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=node", "-addext"]
    files = ["subjectAltName=IP:127.0.0.1", "-keyout", str(private), "-out", str(certificate)]
    subprocess.run([*made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    with loopback_proxy(settings().url, context) as proxy:
        for trusted in ({"ca_certs": str(certificate)}, {"verify": False}):
            connection = Connection(settings(url=proxy.url, **trusted))
            connection.sync.cluster.health()
            asyncio.run(_healthy(connection))
            connection.close()
        reader = ElasticsearchItemReader(Connection(settings(url=proxy.url)))
        with pytest.raises(StoreUnavailable, match="ca_certs"):
            asyncio.run(reader.browse(HOME, "newest"))


def test_addresses_and_files_that_are_none_are_refused_together() -> None:
    with pytest.raises(SettingsRefused) as refused:
        Connection(ElasticsearchSettings(url="127.0.0.1, http://here", ca_certs="/none.pem"))
    assert [problem.path for problem in refused.value.problems] == ["elasticsearch.url", "elasticsearch.url", "elasticsearch.ca_certs"]


def test_a_server_that_is_away_is_unavailable_and_asks_nothing_of_who_makes_the_connection() -> None:
    reader = ElasticsearchItemReader(Connection(settings(url=refusing())))
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        asyncio.run(reader.browse(HOME, "newest"))


def test_while_one_node_is_away_the_others_answer() -> None:
    with item_indices() as (connection, indices):
        indices.ensure()
        reader = ElasticsearchItemReader(
            Connection(settings(url=f"{refusing()},{connection.settings.url}", prefix=connection.settings.prefix))
        )

        async def answers() -> list[bool]:
            return [(await reader.browse(HOME, "newest")).exhausted for _ in range(6)]

        assert asyncio.run(answers()) == [True] * 6


def test_a_server_that_hangs_is_unavailable_after_the_time_that_is_set(proxy: LoopbackProxy) -> None:
    proxy.plan = lambda _: Hang()
    reader = ElasticsearchItemReader(Connection(settings(url=proxy.url, read_timeout_ms=50)))
    with pytest.raises(StoreUnavailable, match="could not browse by newest"):
        asyncio.run(reader.browse(HOME, "newest"))
    proxy.plan = lambda _: None


def test_both_trips_of_a_question_share_its_time(proxy: LoopbackProxy) -> None:
    with item_indices() as (connection, indices):
        indices.ensure()
        writer = ElasticsearchItemWriter(connection, NO_ATTRIBUTES)
        writer.index([wide_item()])
        writer.refresh()
        behind = Connection(settings(url=proxy.url, prefix=connection.settings.prefix, read_timeout_ms=2_000))
        proxy.calls.clear()
        proxy.plan = lambda _: Delay(0.5) if len(proxy.calls) == 1 else Hang()
        with pytest.raises(StoreUnavailable, match="could not browse by newest: Elasticsearch did not answer within 2000 ms"):
            asyncio.run(ElasticsearchItemReader(behind, lambda _: 1).browse(HOME, "newest"))
        assert len(proxy.calls) == 2
        proxy.plan = lambda _: None


def test_a_caller_that_gives_up_is_let_go_at_once(proxy: LoopbackProxy) -> None:
    proxy.plan = lambda _: Hang()
    reader = ElasticsearchItemReader(Connection(settings(url=proxy.url)))

    async def impatient() -> None:
        async with asyncio.timeout(0.05):
            await reader.get([wide_item().item_id])

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    proxy.plan = lambda _: None


def test_each_event_loop_has_its_own_client_and_closes_it(recwarn: pytest.WarningsRecorder) -> None:
    connection = Connection(settings())

    async def asked() -> object:
        await _healthy(connection)
        assert await connection.asynchronous() is await connection.asynchronous()
        return await connection.asynchronous()

    assert asyncio.run(asked()) is not asyncio.run(asked())
    assert [str(warning.message) for warning in recwarn] == []
