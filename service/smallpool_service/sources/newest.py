"""The source of what was published last: it brings fresh listings to people who asked for nothing like them."""

from msgspec.structs import replace

from smallpool_core.pages import Answer
from smallpool_core.ports import ItemReader
from smallpool_service.candidates import Question
from smallpool_service.rewrite import shared


class Newest:
    """Rows of the scope by publication, newest first; `share` of the rows that a question wants."""

    name = "newest"

    def __init__(self, reader: ItemReader, share: float) -> None:
        self._reader = reader
        self._share = share

    async def find(self, question: Question) -> Answer:
        """See `Source.find`; covers the whole scope when asked deep enough."""
        query = shared(question.query, self._share)
        return replace(await self._reader.browse(query, "newest"), asked=query.limit)
