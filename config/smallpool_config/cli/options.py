"""The options that several commands share, each described once."""

from pathlib import Path
from typing import Annotated

import typer

from smallpool_core.users import Identity

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", envvar="SMALLPOOL_DATA", help="Data directory; by default the one of the settings.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
User = Annotated[str | None, typer.Option("--user", metavar="ID", help="The person, by user id.")]
Device = Annotated[
    str | None,
    typer.Option("--device", metavar="ID", help="The person, by device id; with a user id, the device of theirs: a page links the two."),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until everything is recallable.")]


def person(user: str | None, device: str | None) -> Identity:
    """The person that a command is about; a usage error where neither id is given."""
    if not user and not device:
        raise typer.BadParameter("name a person with --user ID or --device ID")
    return Identity(user or None, device or None)
