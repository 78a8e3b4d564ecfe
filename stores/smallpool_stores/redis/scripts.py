"""The scripts that run inside Redis, each in a `.lua` file beside this one.

In: the name of a script. Out: its text and the digest by which Redis knows it. A server that does not know it, because it was
restarted, told to forget its scripts, or is new in a cluster, is given the text (`routing.py`).
"""

from hashlib import sha1
from importlib.resources import files

from msgspec import Struct


class Script(Struct, frozen=True):
    """One script: what to run, and its SHA-1, which is how `EVALSHA` asks for it."""

    text: str
    sha: str


def load_script(name: str) -> Script:
    """Reads a script; called when an adapter is made, not when its module is imported."""
    text = files(__package__).joinpath(f"{name}.lua").read_text("utf-8")
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
