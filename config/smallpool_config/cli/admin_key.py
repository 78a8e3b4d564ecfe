"""The first admin key of a data directory.

In: SMALLPOOL_ADMIN_KEY, or nothing. Out: a key that works; one that was made here is left in `DIR/admin.key`, mode 0600.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from smallpool_core.ports import KeyStore
from smallpool_service.keys import ensure_admin_key, make_secret

VARIABLE = "SMALLPOOL_ADMIN_KEY"
FILE = "admin.key"


async def first_admin_key(keys: KeyStore, directory: Path, environment: Mapping[str, str], now: int) -> Path | None:
    """Makes sure that somebody can administrate; returns the file that holds the secret, None where there is none.

    A secret in the environment counts alone. Else the file's, which is made at the first start. Without the file nothing is made
    as long as the store knows an admin key: somebody took the file away on purpose. Raises `Refused` for a secret that is too short.
    """
    given = environment.get(VARIABLE)
    if given:
        await ensure_admin_key(keys, given, now)
        return None
    file = directory / FILE
    if not file.exists():
        if any("admin" in key.roles and key.revoked_at is None for key in await keys.all()):
            return None
        _write(file, make_secret())
    await ensure_admin_key(keys, file.read_text("ascii").strip(), now)
    return file


def _write(file: Path, secret: str) -> None:
    """All at once, so that a crash leaves no half of a secret; nobody but the owner ever may read it."""
    draft = file.with_suffix(".new")
    file.parent.mkdir(parents=True, exist_ok=True)
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:  # noqa: PTH123, a mode is given
        opened.write(f"{secret}\n")
    draft.replace(file)
