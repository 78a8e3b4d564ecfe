"""The contract, its page for people and docs/api.md tell of the same operations."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from checkout import ROOT
from http_rig import Api


@pytest.fixture
def contract(api: Api) -> dict[str, Any]:
    reply = api.get("/openapi.json", key=None)
    assert reply.status_code == 200
    document: dict[str, Any] = reply.json()
    return document


def operations(contract: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_reference_of_the_contract_resolves(contract: dict[str, Any]) -> None:
    found = set(references(contract))
    assert "#/components/schemas/Page" in found
    for reference in found:
        _, _, kind, name = reference.split("/")
        assert name in contract["components"][kind], reference


def test_every_operation_is_named_described_and_shown_by_example(contract: dict[str, Any]) -> None:
    names = set()
    for method, path, operation in operations(contract):
        where = f"{method} {path}"
        assert re.fullmatch(r"[a-z][A-Za-z]+", operation["operationId"]), where
        assert operation["summary"], where
        assert operation["description"], where
        names.add(operation["operationId"])
        success = next(response for status, response in operation["responses"].items() if status.startswith("2"))
        for media in (
            success.get("content", {}).get("application/json"),
            operation.get("requestBody", {}).get("content", {}).get("application/json"),
        ):
            assert media is None or media["example"], where
    assert len(names) == len(list(operations(contract)))


def test_every_operation_that_takes_a_key_says_so_with_what_it_may_answer(contract: dict[str, Any]) -> None:
    for method, path, operation in operations(contract):
        if operation["tags"] == ["health"]:
            assert "security" not in operation
            continue
        assert operation["security"] == [{"key": []}], (method, path)
        assert operation["x-roles"], (method, path)
        assert {"401", "403", "422", "503", "504"} <= operation["responses"].keys(), (method, path)
        for status, response in operation["responses"].items():
            assert status.startswith("2") or set(response["content"]) == {"application/problem+json"}, (method, path, status)


def test_examples_keep_their_nulls(contract: dict[str, Any]) -> None:
    page = contract["paths"]["/v1/pools/{pool_id}/recall"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert page["short"] is None


def test_a_page_is_what_the_contract_says(api: Api, contract: dict[str, Any]) -> None:
    api.publish({"item_id": "i1"})
    api.make_pool("p")
    page = api.post("/v1/pools/p/recall", {"user_id": "u1"}).json()
    schema = contract["components"]["schemas"]["Page"]
    assert set(schema["required"]) <= page.keys() <= set(schema["properties"])
    example = contract["paths"]["/v1/pools/{pool_id}/recall"]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert example.keys() == page.keys()
    assert example["trace"].keys() == page["trace"].keys()


@pytest.mark.parametrize("path", ["/v1/pools/{pool_id}/recall", "/v1/item-events", "/v1/user-events", "/v1/pools", "/v1/keys"])
def test_the_examples_of_bodies_are_taken_as_they_are(api: Api, contract: dict[str, Any], path: str) -> None:
    api.make_pool("digital-bargains" if path == "/v1/user-events" else "p")
    body = contract["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    reply = api.call("POST", path.format(pool_id="p"), json=body)
    assert reply.is_success, reply.text
    assert reply.json().get("rejected", []) == []


def test_the_page_for_people_has_every_operation_and_asks_no_other_machine(api: Api, contract: dict[str, Any]) -> None:
    reply = api.get("/docs", key=None)
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    for method, path, operation in operations(contract):
        assert f"<b>{method}</b> <code>{path}</code>" in reply.text
        assert operation["summary"].replace("'", "&#x27;") in reply.text
    assert re.findall(r"""(?:src|href)=["']?([^"'> ]+)""", reply.text) == ["/openapi.json"]
    assert "<script" not in reply.text


def test_the_documentation_has_every_operation_with_its_roles(contract: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")
    told = {match.group(1): match.group(2) for match in re.finditer(r"^\| `([A-Z]+ /\S+)` \| ([a-z, ]+) \|", text, re.MULTILINE)}
    assert told == {f"{method} {path}": ", ".join(operation.get("x-roles", ["open"])) for method, path, operation in operations(contract)}
