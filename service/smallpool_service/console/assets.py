"""Style, scripts and licences that the pages ask for; read once, served from memory under an address that names their content.

In: the folder `static/`. Out: responses that a browser may keep for good.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import Response
from msgspec import Struct

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


class Asset(Struct, frozen=True):
    """One file; `tag` names its content."""

    content: bytes
    media_type: str
    tag: str


class Assets:
    """Every file of `static/` by its path below it."""

    def __init__(self) -> None:
        files = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
        self._by_name = {path.relative_to(FOLDER).as_posix(): _read(path) for path in files}

    def address(self, name: str) -> str:
        """Where a page finds the file."""
        return f"/console/static/{name}?v={self._by_name[name].tag}"

    def response(self, name: str) -> Response | None:
        """The file, None where there is none of this name."""
        asset = self._by_name.get(name)
        return None if asset is None else Response(asset.content, media_type=asset.media_type, headers=KEPT)


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, TYPES.get(path.suffix, "text/plain"), sha256(content).hexdigest()[:12])
