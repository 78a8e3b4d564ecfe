"""Posting to a receiver that answers, refuses, is away, or takes for ever."""

import time
from collections.abc import Iterator

import pytest

from smallpool_core.errors import SettingsRefused, StoreUnavailable
from smallpool_stores.webhook import Webhook
from webhook_rig import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_a_document_arrives_as_it_is_at_the_address_with_its_query(receiver: Receiver) -> None:
    Webhook(f"{receiver.address}/hook/T1?key=K2", 5_000).post('{"text": "空"}'.encode())
    assert receiver.paths == ["/hook/T1?key=K2"]
    assert receiver.documents == [{"text": "空"}]


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_only_a_2xx_counts_as_taken(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(StoreUnavailable, match=f"status {status}"):
        Webhook(receiver.address, 5_000).post(b"{}")
    assert receiver.paths == ["/"]


def test_an_error_names_the_host_and_nothing_of_the_address_that_may_be_a_secret(receiver: Receiver) -> None:
    receiver.status = 500
    with pytest.raises(StoreUnavailable) as caught:
        Webhook(f"{receiver.address}/services/SECRET?token=SECRET", 5_000).post(b"{}")
    assert "127.0.0.1" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_receiver_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="ConnectionRefusedError"):
        Webhook("http://127.0.0.1:9", 5_000).post(b"{}")


@pytest.mark.parametrize("how", ["waits", "drips"])
def test_a_call_ends_in_its_time_however_slowly_the_receiver_answers(receiver: Receiver, how: str) -> None:
    receiver.waits_s, receiver.drips = (1.5, False) if how == "waits" else (0.0, True)
    begun = time.monotonic()
    with pytest.raises(StoreUnavailable):
        Webhook(receiver.address, 200).post(b"{}")
    assert time.monotonic() - begun < 1.4


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "example.com/SECRET", "http://user:SECRET@host/", "http://host:port/SECRET"])
def test_an_address_that_nothing_can_be_posted_to_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(SettingsRefused) as caught:
        Webhook(url, 1_000)
    assert "alerts.webhook_url" in str(caught.value)
    assert "SECRET" not in str(caught.value)
