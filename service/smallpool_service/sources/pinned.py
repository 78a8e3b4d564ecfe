"""The source of what an operator pinned: items that come first where they may be served, whether or not recall would bring them."""

from collections.abc import Sequence

from msgspec.structs import replace

from smallpool_core.pages import Answer
from smallpool_core.ports import ItemReader
from smallpool_service.candidates import Question


class Pinned:
    """The pinned items of one pool that are in the scope and not excluded, in the order of the pins."""

    name = "pinned"

    def __init__(self, reader: ItemReader, pins: Sequence[str]) -> None:
        self._reader = reader
        self._pins = pins

    async def find(self, question: Question) -> Answer:
        """See `Source.find`. The cap per spread key holds among them as among any others."""
        count = len(self._pins)
        return replace(await self._reader.pick(question.query, self._pins), asked=count, found=count)
