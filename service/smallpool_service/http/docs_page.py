"""`/docs`: the contract as one page for people, which asks nothing of any other machine and runs no script.

In: the OpenAPI document. Out: HTML with each operation, its roles, an example to paste into a shell, and its reply.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import APIRouter, Request, Response

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
METHODS: Final = ("get", "post", "put", "delete")
STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --dim: #888; --accent: #2a7de1; }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 small { color: var(--dim); font-weight: normal; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 4.2rem; color: var(--accent); }
summary em { color: var(--dim); font-style: normal; float: right; }
pre { overflow-x: auto; background: #8881; border-radius: 6px; padding: .7rem; font-size: 13px; }
code { font: 13px ui-monospace, monospace; }
table { border-collapse: collapse; } td { padding: .1rem .9rem .1rem 0; vertical-align: top; }
"""

router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The page."""
    page = docs_page(request.app.openapi(), str(request.base_url).rstrip("/"))
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"})


def docs_page(contract: Mapping[str, Any], address: str) -> str:
    """The whole page, with examples that call `address`; every text in it is escaped."""
    about = contract["info"]
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(about['title'])} API</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(about['title'])} <small>{escape(about['version'])}</small></h1>",
            "".join(f"<p>{_prose(part)}</p>" for part in about["description"].strip().split("\n\n")),
            '<p>The contract itself is <a href="/openapi.json">/openapi.json</a>.</p>',
            *(_section(contract, tag, address) for tag in contract["tags"]),
            "</body></html>",
        )
    )


def _section(contract: Mapping[str, Any], tag: Mapping[str, str], address: str) -> str:
    operations = "".join(
        _operation(method, path, operation, address)
        for method, path, operation in _operations(contract)
        if tag["name"] in operation["tags"]
    )
    return f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}</p>{operations}"


def _operations(contract: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in contract["paths"].items():
        for method in METHODS:
            if method in methods:
                yield method, path, methods[method]


def _operation(method: str, path: str, operation: Mapping[str, Any], address: str) -> str:
    roles = " or ".join(operation.get("x-roles", ())) or "open"
    return "".join(
        (
            f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation['summary'])}",
            f"<em>{escape(roles)}</em></summary><p>{_prose(operation.get('description', ''))}</p>",
            _parameters(operation),
            f"<pre>{escape(_curl(method, address + path, operation))}</pre>",
            "".join(_response(status, response) for status, response in operation["responses"].items()),
            "</details>",
        )
    )


def _parameters(operation: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}{', required' if one.get('required') else ''}</td>"
        f"<td>{_prose(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", ())
        if "name" in one
    )
    return f"<table>{rows}</table>" if rows else ""


def _curl(method: str, url: str, operation: Mapping[str, Any]) -> str:
    lines = [f"curl -X {method.upper()} {url}"]
    if "x-roles" in operation:
        lines.append('-H "Authorization: Bearer $SMALLPOOL_KEY"')
    if any(one.get("name") == "if-match" for one in operation.get("parameters", ())):
        lines.append("-H 'If-Match: \"3\"'")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    if body is not None:
        lines.append(f"-d '{json.dumps(body, ensure_ascii=False)}'")
    return " \\\n  ".join(lines)


def _response(status: str, response: Mapping[str, Any]) -> str:
    example = response.get("content", {}).get("application/json", {}).get("example")
    shown = "" if example is None else f"<pre>{escape(json.dumps(example, ensure_ascii=False, indent=2))}</pre>"
    return f"<div><code>{escape(status)}</code> {escape(response['description'])}{shown}</div>"


def _prose(text: str) -> str:
    """Text with its `code` marked as such."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
