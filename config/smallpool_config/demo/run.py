"""Runs the demo: publishes, plays buyers, shows what comes of it scene by scene, then serves the API over the same data.

In: settings and a plan. Out: the story on stdout; a server on loopback, unless it is to end there. One process, one SQLite file.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from msgspec import UNSET, Struct
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from smallpool_config.cli.listening import listening
from smallpool_config.cli.pool_plan import carry_out, plan
from smallpool_config.cli.screen import screen
from smallpool_config.cli.serving import app_of, run
from smallpool_config.clock import StandingClock
from smallpool_config.demo import market, scenes
from smallpool_config.demo.people import Person, effective_recall, people_of, two_unlike
from smallpool_config.demo.trial import hold_trial
from smallpool_config.runtime import Background
from smallpool_config.settings import Settings, apart, shipped
from smallpool_config.settle import settle
from smallpool_config.wiring import System, open_system
from smallpool_core.errors import Problem, Refused
from smallpool_core.items import WideItem
from smallpool_core.pools import HOME
from smallpool_service.keys import create_key
from smallpool_service.page import Page
from smallpool_service.request import RecallRequest
from smallpool_service.sources.latent import Latent
from smallpool_service.why import Why, why

POOL = "closing-auctions"
SIZE = 10
TOP = 100
SHOWN_LISTINGS = 7
TIMEOUT_MS = 5_000
SHOWN_RELATED = 3
ASKED = 15
"""Items asked about at most for one kind of reason."""
ASKED_FOR_NEW = 20
"""People whose page is looked at, until one has something of a category that is new to them."""


class Plan(Struct, frozen=True):
    """What was asked for; `data` None means a directory that goes when the demo ends, `at_ms` that the clock stands still."""

    items: int
    seed: int
    once: bool
    at_ms: int | None
    host: str
    port: int
    data: Path | None


def run_demo(settings: Settings, wanted: Plan) -> None:
    """The whole demo. Raises `Refused` for a directory that holds something, `StoreUnavailable` for an address that is taken."""
    with ExitStack() as stack:
        listener, address = (None, f"http://{wanted.host}:{wanted.port}")
        if not wanted.once:
            listener, address = stack.enter_context(listening(wanted.host, wanted.port))
        system = stack.enter_context(_system(settings, wanted))
        stack.enter_context(system.own_write_path())
        story = Story(system, screen(), wanted)
        person = story.tell()
        secret = asyncio.run(create_key(system.keys, "demo", ["admin"], [], system.clock.now_ms())).secret
        story.ending()
        scenes.how_to_go_on(story.console, address, secret, person, POOL)
        if listener is None:
            return
        system.begin_serving()
        with Background(system, system.whole_lines()) as background:
            run(app_of(system, background), listener, lambda: story.console.print("Serving until Ctrl-C.", style="bright_black"))


@contextmanager
def _system(settings: Settings, wanted: Plan) -> Iterator[System]:
    """A marketplace of the demo's own, beside whatever else the stores hold; without a directory to keep it in it goes in the end.

    Raises `Refused` for a directory that holds something.
    """
    with TemporaryDirectory(prefix="smallpool-demo-") as made:
        kept = wanted.data
        clock = None if wanted.at_ms is None else StandingClock(wanted.at_ms)
        system = open_system(apart(settings, f"demo-{uuid4().hex[:12]}", made if kept is None else str(kept)), clock)
        if system.has_data():
            allowed = "the demo makes a marketplace of its own; name a new directory, or serve this one"
            raise Refused([Problem("--data", f"data in {system.place}", allowed)])
        try:
            system.init()
            system.load()
            yield system
        finally:
            (system.close if kept is not None else system.discard)()


class Story:
    """The scenes in their order, over one system."""

    def __init__(self, system: System, console: Console, wanted: Plan) -> None:
        self.console = console
        self._system = system
        self._wanted = wanted
        self._scene = 0
        self._asked_for = 0
        self._started = time.perf_counter()
        self._brands = {brand.key: brand.display for brand in system.knowledge.brands}

    def tell(self) -> Person:
        """Every scene; returns the person whom it was about."""
        made = market.generate(self._system, self._wanted.items, self._wanted.seed)
        self._publish(made)
        self._pools()
        people = self._visit(made)
        first, second = asyncio.run(two_unlike(self._system, people, POOL))
        self._behaviour(first)
        self._relate(first)
        pages = self._pages(first, second)
        self._related(pages)
        asyncio.run(self._interests([first, *people]))
        self._funnel(pages[0])
        self._reasons(first, pages[1])
        self._effects(people)
        self._trial(made)
        return first

    def ending(self) -> None:
        """What comes after the story."""
        took = f"All of this took {time.perf_counter() - self._started:.0f} s. "
        if self._wanted.once:
            place = "" if self._wanted.data is None else f" `smallpool serve --data {self._wanted.data}` serves this one."
            self._next("Ask it yourself", f"{took}Without --once the demo now serves its API, with the key and the address below.{place}")
        else:
            self._next("Ask it yourself", f"{took}The API is served from here; paste the two lines into another terminal.")

    def _next(self, text: str, note: str) -> None:
        self._scene += 1
        scenes.heading(self.console, self._scene, text, note)

    def _publish(self, made: market.Market) -> None:
        count = len(made.listings)
        self._next(
            f"Sellers publish {count:,} listings",
            "Each is understood as it comes in: category, brand, selling points, quality.",
        )
        every = max(1, count // SHOWN_LISTINGS)
        columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as bars:
            task = bars.add_task("taking in", total=count)
            shown = 0

            def taken(done: int, items: list[WideItem]) -> None:
                nonlocal shown
                bars.update(task, completed=done)
                if shown < SHOWN_LISTINGS and done > shown * every and (telling := _telling(items)) is not None:
                    scenes.listing(self.console, telling, self._brands)
                    shown += 1

            seconds = market.publish(self._system, made.listings, taken)
        auctions = sum(event.given is not None and event.given.sale == "auction" for event in made.listings)
        self.console.print()
        scenes.said(
            self.console,
            f"{count:,} listings recallable in {seconds:.1f} s ({count / seconds:,.0f} a second); {auctions:,} are auctions of six hours",
            "green",
        )

    def _pools(self) -> None:
        self._next(
            "An operator makes pools",
            "A pool is a rule in a file. It holds at once; a pool whose rule looks at the clock gains and loses items by the second.",
        )
        saved = carry_out(self._system, plan(self._system, shipped("pools")), "demo")
        settle(self._system)
        now, live = self._system.clock.now_ms(), self._system.live_view
        pools = [one.pool for one in saved]
        scenes.pool_rule(self.console, next(pool for pool in pools if pool.pool_id == POOL))
        self.console.print()
        scenes.pool_sizes(self.console, pools, {pool.pool_id: live.size(pool.pool_id, now) for pool in pools}, live.size(HOME, now))

    def _visit(self, made: market.Market) -> list[Person]:
        self._next(
            f"{len(made.buyers)} buyers look around",
            "What they do adds up to triggers: weighted terms that fade, short-term and long-term apart.",
        )
        seconds = market.visit(self._system, made.events)
        scenes.said(self.console, f"{len(made.events):,} events applied in {seconds:.1f} s", "green")
        return asyncio.run(people_of(self._system, made.events))

    def _behaviour(self, person: Person) -> None:
        items = self._system.items.get({event.item_id for event in person.events if event.item_id is not None})
        self.console.print()
        scenes.behaviour(self.console, person, items, self._brands, self._system.clock.now_ms())

    def _relate(self, person: Person) -> None:
        self._next(
            "What goes with what",
            "Items that people look at one after another go together. A server counts that every hour; an item that is sold still counts.",
        )
        generation, _ = self._system.relater.rebuild(upto=self._system.clock.now_ms() + 1)
        scenes.said(
            self.console,
            f"{generation.lists:,} lists of items that go with one, or with a term, from {generation.events:,} events",
            "green",
        )
        touched = [event.item_id for event in reversed(person.events) if event.item_id is not None]
        found = asyncio.run(self._system.relations.related("view", touched, SHOWN_RELATED))
        item_id = next((one for one in touched if found.get(one)), None)
        if item_id is not None:
            others = [one.item_id for one in found[item_id]]
            items = self._system.items.get([item_id, *others])
            scenes.goes_with(self.console, item_id, others, items)

    def _related(self, pages: Sequence[Page]) -> None:
        """Lines that the source of related items brought, each with the item that it goes with."""
        brought = [
            (line.item_id, via.removeprefix("item:"))
            for page in pages
            for line in page.items
            if line.explain is not UNSET
            for via in line.explain.via[:1]
            if via.startswith("item:")
        ]
        if brought:
            scenes.brought(self.console, brought, self._system.items.get({item_id for pair in brought for item_id in pair}))

    async def _interests(self, people: Sequence[Person]) -> None:
        """The interests of the first of them whose page of the pool has something of a category that is new to them."""
        self._next(
            "Several interests, and what lies beside them",
            "What somebody did, told apart into interests by a model. Categories near to one that they never visited bring items too.",
        )
        for person in people[:ASKED_FOR_NEW]:
            page = await self._recall(person, dry_run=True)
            latent = [line for line in page.items if Latent.name in line.sources]
            if latent:
                scenes.interests(self.console, person, page, latent, self._system.items.get([line.item_id for line in latent]))
                return
        scenes.said(self.console, "nobody has anything of a category that would be new to them on their page")

    def _pages(self, first: Person, second: Person) -> list[Page]:
        self._next(
            f"Pages from {POOL}",
            "Recalled inside the pool by what each person likes now. A second page continues the first; another person gets other things.",
        )
        asyncio.run(self._recall(first, dry_run=True))  # nothing is warm in a process that has just started
        pages = [asyncio.run(self._recall(person)) for person in (first, first, second)]
        titles = (f"{first.user_id}, first page", f"{first.user_id}, second page", f"{second.user_id}, first page")
        for page, title in zip(pages, titles, strict=True):
            scenes.page(self.console, page, self._system.items.get([line.item_id for line in page.items]), title)
        scenes.kept_promises(self.console, pages[:2])
        return pages

    def _funnel(self, page: Page) -> None:
        self._next(
            "How the first page came about", "Every reply carries its funnel; with explain also every candidate that was left out, and why."
        )
        scenes.funnel(self.console, page)

    def _reasons(self, person: Person, page: Page) -> None:
        self._next("Why was it not shown?", "A dry run that follows one item until something stands in its way.")
        answers = asyncio.run(self._unlike_answers(person, page))
        scenes.reasons(self.console, [(answer, self._system.items.get([answer.item_id]).get(answer.item_id)) for answer in answers])

    async def _unlike_answers(self, person: Person, page: Page) -> list[Why]:
        """Reasons unlike each other, for items served before, left out on the way, and looked at outside the pool."""
        drops = [] if page.trace.drops is UNSET else page.trace.drops
        touched = [event.item_id for event in reversed(person.events) if event.item_id is not None]
        unlike: dict[str, Why] = {}
        for item_ids in ([line.item_id for line in page.items[:1]], [drop.item_id for drop in drops], touched):
            for item_id in item_ids[:ASKED]:
                answer = await why(self._system.recaller, item_id, POOL, person.identity)
                if not answer.served and answer.reason not in unlike:
                    unlike[answer.reason] = answer
                    break
        return list(unlike.values())

    def _effects(self, people: Sequence[Person]) -> None:
        self._next(
            "Why inside the pool?",
            f"The same triggers of {len(people)} buyers, asked of the whole marketplace and of each pool. Means, measured just now.",
        )
        scenes.effects(self.console, asyncio.run(effective_recall(self._system, people, TOP)), TOP)

    def _trial(self, made: market.Market) -> None:
        self._next(
            "Does it matter?",
            f"An experiment on {POOL}: half of the buyers, by a hash of their ids, get the newest first. Clicks follow their tastes.",
        )
        scenes.report(self.console, hold_trial(self._system, made.buyers, POOL))

    async def _recall(self, person: Person, *, dry_run: bool = False) -> Page:
        deadline = self._system.clock.now_ms() + TIMEOUT_MS
        self._asked_for += 1  # an id of its own making, so that the same marketplace tells the same story
        request = RecallRequest(
            pool_id=POOL,
            identity=person.identity,
            size=SIZE,
            request_id=f"demo-{self._asked_for}",
            explain=True,
            dry_run=dry_run,
            deadline_ms=deadline,
        )
        return await self._system.recaller.recall_once(request)


def _telling(items: Sequence[WideItem]) -> WideItem | None:
    """The best listing of a batch."""
    return max(items, key=lambda item: (item.brand is not None, item.quality or 0, item.item_id), default=None)
