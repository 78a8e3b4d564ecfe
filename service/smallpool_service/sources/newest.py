"""The source of what was published last: it brings fresh listings to people who asked for nothing like them."""

from smallpool_core.pages import Answer
from smallpool_core.ports import ItemReader
from smallpool_service.candidates import Question


class Newest:
    """Rows of the scope by publication, newest first."""

    name = "newest"

    def __init__(self, reader: ItemReader) -> None:
        self._reader = reader

    async def find(self, question: Question) -> Answer:
        """See `Source.find`; covers the whole scope when asked deep enough."""
        return await self._reader.browse(question.query, "newest")
