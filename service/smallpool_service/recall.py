"""Asks all sources side by side, each within its share of the deadline; what fails is a value, never an exception.

In: the question. Out: the answers by source, and the failures.
"""

from collections.abc import Sequence

from smallpool_core.pages import Answer, SourceFailure
from smallpool_core.ports import Clock
from smallpool_service.candidates import Question, Recalled
from smallpool_service.prompt import in_time, side_by_side
from smallpool_service.sources.source import Source

LATE = "late"


async def recall(sources: Sequence[Source], question: Question, clock: Clock, until: int) -> Recalled:
    """Answers by source in the order of `sources`; `until` (ms) is when the last of them must have answered.

    A source that computes without ever waiting cannot be interrupted, so time is looked at before each one starts.
    """
    found = await side_by_side(*[_ask(source, question, clock, until) for source in sources])
    answers = {source.name: answer for source, answer in zip(sources, found, strict=True) if isinstance(answer, Answer)}
    return Recalled(answers, tuple(failure for failure in found if isinstance(failure, SourceFailure)))


async def _ask(source: Source, question: Question, clock: Clock, until: int) -> Answer | SourceFailure:
    left_ms = until - clock.now_ms()
    if left_ms <= 0:
        return SourceFailure(source.name, LATE)
    try:
        return await in_time(source.find(question), left_ms / 1000)
    except TimeoutError:
        return SourceFailure(source.name, LATE)
    except Exception as error:  # noqa: BLE001  a source may be a plugin: whatever it raises costs its own candidates only
        return SourceFailure(source.name, f"{type(error).__name__}: {error}")
