"""The contract of a source: it is asked a question and answers with hits inside the question's scope.

A source that raises or is late becomes a `SourceFailure`; it never fails the page.
"""

from typing import Protocol

from smallpool_core.pages import Answer
from smallpool_service.candidates import Question


class Source(Protocol):
    """One recall channel."""

    @property
    def name(self) -> str:
        """Names it in pages, traces and metrics."""
        ...

    async def find(self, question: Question) -> Answer:
        """At most `question.query.limit` hits, best first; never blocks longer than its question's query takes."""
        ...
