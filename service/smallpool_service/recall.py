"""Asks all sources side by side, each within its share of the deadline; what fails is a value, never an exception.

In: the question. Out: the answers by source, and the failures.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from smallpool_core.pages import Answer, SourceFailure
from smallpool_core.ports import Clock
from smallpool_service.candidates import Question, Recalled
from smallpool_service.prompt import in_time, side_by_side
from smallpool_service.rewrite import shared
from smallpool_service.source_quotas import WHOLE, Quota
from smallpool_service.sources.source import Source

LATE = "late"
NO_QUOTAS: Mapping[str, Quota] = MappingProxyType({})


async def recall(
    sources: Sequence[Source], question: Question, clock: Clock, until: int, quotas: Mapping[str, Quota] = NO_QUOTAS
) -> Recalled:
    """Answers by source in the order of `sources`; `until` (ms) is when the last of them must have answered.

    A source that computes without ever waiting cannot be interrupted, so time is looked at before each one starts.
    """
    all_ms = until - clock.now_ms()
    parts = [quotas.get(source.name, WHOLE) for source in sources]
    asked = [_cut(question, quota) for quota in parts]
    asking = zip(sources, asked, parts, strict=True)
    found = await side_by_side(*[_ask(source, cut, clock, until, all_ms, quota) for source, cut, quota in asking])
    answers = {source.name: answer for source, answer in zip(sources, found, strict=True) if isinstance(answer, Answer)}
    failures = tuple(failure for failure in found if isinstance(failure, SourceFailure))
    return Recalled(answers, failures, {source.name: cut.query.limit for source, cut in zip(sources, asked, strict=True)})


def _cut(question: Question, quota: Quota) -> Question:
    """The question as a source of this quota is asked it."""
    return question if quota.share == 1 else replace(question, query=shared(question.query, quota.share))


async def _ask(source: Source, question: Question, clock: Clock, until: int, all_ms: int, quota: Quota) -> Answer | SourceFailure:
    left_ms = until - clock.now_ms() - all_ms * (1 - quota.time_share)
    if left_ms <= 0:
        return SourceFailure(source.name, LATE)
    try:
        return await in_time(source.find(question), left_ms / 1000)
    except TimeoutError:
        return SourceFailure(source.name, LATE)
    except Exception as error:  # noqa: BLE001  a source may be a plugin: whatever it raises costs its own candidates only
        return SourceFailure(source.name, f"{type(error).__name__}: {error}")
