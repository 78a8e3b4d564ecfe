import asyncio

from builders import NOW, FakeClock
from read_rig import Broken, Hanging, World, in_pool
from smallpool_core.pages import Answer, SourceFailure
from smallpool_service.candidates import Question, Recalled
from smallpool_service.recall import recall
from smallpool_service.rewrite import rewrite
from smallpool_service.sources.newest import Newest


class Slow:
    """A source that computes past the deadline without ever waiting."""

    name = "slow"

    def __init__(self, clock: FakeClock, takes_ms: int) -> None:
        self._clock, self._takes_ms = clock, takes_ms

    async def find(self, question: Question) -> Answer:
        self._clock.advance(self._takes_ms)
        return Answer((), exhausted=True)


def asked(world: World, *sources: object, until: int = NOW + 50) -> Recalled:
    world.ports.catalogue.refresh()
    question = Question(rewrite(10, world.ports.catalogue.live("p"), frozenset(), NOW, 10), {})
    return asyncio.run(recall(sources, question, world.clock, until))  # type: ignore[arg-type]


def test_every_source_that_works_answers_under_its_name() -> None:
    world = World(in_pool("i1"))
    recalled = asked(world, Newest(world.reader))
    assert [hit.item_id for hit in recalled.answers["newest"].hits] == ["i1"]
    assert (len(recalled), recalled.failures, recalled.exhausted) == (1, (), True)


def test_a_source_that_raises_costs_only_its_own_candidates() -> None:
    world = World(in_pool("i1"))
    recalled = asked(world, Broken(), Newest(world.reader))
    assert list(recalled.answers) == ["newest"]
    assert recalled.failures == (SourceFailure("broken", "ValueError: no such thing"),)


def test_a_source_that_hangs_is_late_and_the_others_are_not() -> None:
    world = World(in_pool("i1"))
    recalled = asked(world, Hanging(), Newest(world.reader), until=NOW + 5)
    assert recalled.failures == (SourceFailure("hanging", "late"),)
    assert list(recalled.answers) == ["newest"]


def test_a_source_is_not_begun_once_the_share_of_the_deadline_has_passed() -> None:
    world = World(in_pool("i1"))
    recalled = asked(world, Slow(world.clock, 60), Newest(world.reader), until=NOW + 50)
    assert recalled.failures == (SourceFailure("newest", "late"),)
    assert world.reader.queries == []
