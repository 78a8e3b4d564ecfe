"""What every model's card says and how it is written: what a model was made with, JSON for programs, Markdown for people.

In: a card and its text. Out: the files of the folder.
"""

import os
import platform

import msgspec
import torch
from msgspec import Struct


def made_with() -> dict[str, str | int]:
    """The versions and the machine of this process."""
    return {"torch": str(torch.__version__), "python": platform.python_version(), "cores": os.cpu_count() or 1, "threads": 1}


def written(card: Struct, text: str) -> dict[str, bytes]:
    """The card as JSON and as Markdown."""
    return {"card.json": msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n", "CARD.md": text.encode()}
