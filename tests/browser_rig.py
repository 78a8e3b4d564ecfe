"""A real server with the demo's marketplace, and a real browser in front of its console."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from checkout import ROOT
from cli_rig import Shell
from smallpool_config.cli.pool_plan import carry_out, plan
from smallpool_config.demo import market
from smallpool_config.settings import Settings, StoreSettings, shipped
from smallpool_config.settle import settle
from smallpool_config.wiring import open_system

ITEMS = 600
SEED = 7
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
BROKEN = [
    ("it-900001", b'{"type": "published", "item_id": "it-900001", "version": 1, "at": 1750000000000, "item": {"title": ""}}'),
    (
        "it-900002",
        b'{"type": "published", "item_id": "it-900002", "version": 1, "at": 1750000000000, "item": {"title": "x", "price_cents": -5}}',
    ),
    ("it-900003", b"not an event"),
]
"""What no API would let in, and some other producer of the log might send."""
WATCHFUL = {"SMALLPOOL_ALERTS_EVERY_S": "1", "SMALLPOOL_ALERTS_PAGE_FILL_PAGES": "10"}
"""Pools are looked at each second, and ten pages say enough, so that no test waits for minutes."""
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-noto-cjk")
PATIENT = ("-o", "Acquire::Retries=5", "-o", "DPkg::Lock::Timeout=120")
AXE = ROOT / "tests" / "browser" / "vendor" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "docs" / "console"
PATIENCE_MS = 30_000


class Served:
    """A server under way: its address, and an admin's key."""

    def __init__(self, address: str, key: str) -> None:
        self.address = address
        self.key = key

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request to the API."""
        headers = {"Authorization": f"Bearer {self.key}"} | more.pop("headers", {})
        return httpx.request(method, self.address + path, headers=headers, timeout=PATIENCE_MS / 1000, **more)

    def make_pool(self, pool_id: str, rule: Mapping[str, Any], name: str = "测试池", reason: str = "made by a test") -> None:
        """A pool, made as an app would make it."""
        reply = self.call("POST", "/v1/pools", json={"pool_id": pool_id, "name": name, "rule": rule, "reason": reason})
        assert reply.status_code == 201, reply.text

    def change_pool(self, pool_id: str, reason: str, **changes: Any) -> None:
        """A change of the newest revision."""
        headers = {"If-Match": self.call("GET", f"/v1/pools/{pool_id}").headers["etag"]}
        reply = self.call("PUT", f"/v1/pools/{pool_id}", json={"reason": reason, **changes}, headers=headers)
        assert reply.status_code == 200, reply.text

    def publish(self, item_id: str, title: str, **item: Any) -> None:
        """A listing, taken in before this returns."""
        now = self.now()
        event = {"type": "published", "item_id": item_id, "version": 1, "at": now, "item": {"title": title, **item}}
        reply = self.call("POST", "/v1/item-events?wait=applied", json={"events": [event]})
        assert reply.json()["rejected"] == [], reply.text

    def show_pages(self, pool_id: str, people: int = 12) -> None:
        """A page of ten for so many people."""
        for place in range(people):
            reply = self.call("POST", f"/v1/pools/{pool_id}/recall", json={"user_id": f"u-{place:04}", "size": 10})
            assert reply.status_code == 200, reply.text

    def await_alerts(self, *wanted: tuple[str, str]) -> None:
        """Returns when these alerts, of a pool and a kind, stand."""
        give_up = time.monotonic() + PATIENCE_MS / 1000
        while True:
            found = {(one["pool_id"], one["kind"]) for one in self.call("GET", "/v1/alerts").json()["alerts"]}
            if found.issuperset(wanted):
                return
            assert time.monotonic() < give_up, found
            time.sleep(0.2)

    def hold_experiment(self, experiment_id: str, name: str, people: int = 60, *, state: str = "running") -> None:
        """An experiment of two halves on the home feed. People of the second half click and buy more of their page."""
        order = {"ordering": {"weights": {"freshness": 1.2, "match": 0.4}}}
        buckets = [{"name": "control", "share": 0.5}, {"name": "fresh", "share": 0.5, **order}]
        asked = {"experiment_id": experiment_id, "name": name, "layer": experiment_id, "state": state, "buckets": buckets}
        assert self.call("POST", "/v1/experiments", json=asked | {"pools": ["home"], "reason": "上新频道"}).status_code == 201
        for place in range(people if state == "running" else 0):
            user_id = f"v-{place:04}"
            page = self.call("POST", "/v1/feeds/home/recall", json={"user_id": user_id, "size": 8}).json()
            lines = page["items"][: place * 7 % 5 + (page["bucket"].get(experiment_id) == f"{experiment_id}:fresh")]
            about = {"user_id": user_id, "at": self.now(), "request_id": page["request_id"]}
            events = [{"type": "click", "item_id": line["item_id"], **about} for line in lines]
            events += [{"type": "purchase", "item_id": line["item_id"], **about} for line in lines[3:]]
            assert self.call("POST", "/v1/user-events?wait=none", json={"events": events}).json()["rejected"] == []

    def channel_page(self, pool_id: str, size: int = 20) -> list[dict[str, Any]]:
        """The wide items of one page of the pool, for nobody in particular."""
        page = self.call("POST", f"/v1/pools/{pool_id}/recall", json={"size": size, "dry_run": True}).json()
        found = self.call("POST", "/v1/items/get", json={"item_ids": [item["item_id"] for item in page["items"]] or ["none"]}).json()
        items: list[dict[str, Any]] = found["items"]
        return items

    def now(self) -> int:
        """The clock of this machine, which is the server's."""
        return int(time.time() * 1000)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """A marketplace of the demo in a folder, served by a process of its own."""
    shell = Shell(folder)
    shell.environment |= WATCHFUL
    system = open_system(Settings(store=StoreSettings(str(shell.data), "off")))
    try:
        system.init()
        system.load()
        with system.own_write_path():
            carry_out(system, plan(system, shipped("pools")), "demo")
            made = market.generate(system, ITEMS, SEED)
            market.publish(system, made.listings, lambda _done, _items: None)
            system.acknowledged_log.append_now("item-events", BROKEN, system.clock.now_ms())
            settle(system)
            market.visit(system, made.events)
    finally:
        system.close()
    with shell.serving() as (_, address):
        yield Served(address, (shell.data / "admin.key").read_text("utf-8").strip())


def chromium() -> str:
    """Debian's Chromium, installed where it is missing and this user may install it."""
    found = shutil.which("chromium")
    if found is None and os.geteuid() == 0:
        _apt(["apt-get", "update"])
        _apt(INSTALL)
        found = shutil.which("chromium")
    if found is None:
        raise FileNotFoundError(f"the browser tests drive Chromium, which is not installed; run: sudo {' '.join(INSTALL)}")
    return found


def _apt(command: Sequence[str]) -> None:
    """Runs it, again after a while where a mirror does not give a package or somebody else holds the lock."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for pause_s in (5, 20, 60, None):
        ran = subprocess.run([*command, *PATIENT], check=False, capture_output=True, text=True, env=environment)
        if ran.returncode == 0:
            return
        if pause_s is None:
            raise RuntimeError(f"`{' '.join(command)}` ended with {ran.returncode} and said: {ran.stderr.strip()}")
        time.sleep(pause_s)


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser without a window. While it is there no event loop can be run in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody at a browser of their own, logged in, of whom everything is noted that the browser asked for or complained of."""

    def __init__(self, browser: Browser, server: Served, *, language: str = "zh-CN", scheme: str = "light") -> None:
        self.server = server
        self.context = browser.new_context(
            base_url=server.address,
            locale=language,
            viewport={"width": 1440, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE_MS)
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("request", self._note_request)
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def log_in(self, key: str = "") -> Self:
        """Through the form, as people do."""
        self.page.goto("/console/login")
        self.page.fill("#key", key or self.server.key)
        self.page.click("button.primary")
        self.page.wait_for_url("**/console/pools")
        return self

    def open(self, path: str) -> Page:
        """A page, when everything that it asks for by itself has come."""
        self.page.goto(path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def previewed(self) -> int:
        """The count of the live preview, once nothing is under way."""
        self.page.wait_for_load_state("networkidle")
        return int(self.page.inner_text("#tally").replace(",", ""))

    def violations(self) -> list[str]:
        """What axe finds on the page that is serious or critical."""
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"][:3]
        ]

    def assert_quiet(self) -> None:
        """That no request left the machine, no script failed and no policy was broken."""
        assert [url for url in self.asked if not url.startswith(self.server.address)] == []
        assert self.complaints == []

    def _note_request(self, request: Request) -> None:
        self.asked.append(request.url)

    def _note_message(self, message: ConsoleMessage) -> None:
        # A form that is refused has a status of 4xx, of which the browser makes a complaint of its own.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)
