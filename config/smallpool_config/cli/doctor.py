"""`smallpool doctor`: whether everything that smallpool stands on is as it should be.

In: the settings and the data directory. Out: a line a check, ok, warn or fail, with what to do; 1 where something fails.
"""

from pathlib import Path

import typer
from rich.text import Text

from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, screen

MARKS = {"ok": ("✔", "green"), "warn": ("!", "yellow"), "fail": ("✘", "bold red")}


def doctor(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """Check the machine, the settings, the knowledge base and the data directory; changes nothing."""
    from smallpool_config.cli.checks import examine

    findings = examine(ctx.find_object(Path), data)
    is_well = all(finding.status != "fail" for finding in findings)
    if as_json:
        print_json({"ok": is_well, "checks": findings})
    else:
        console = screen()
        for finding in findings:
            mark, style = MARKS[finding.status]
            console.print(
                Text.assemble((f"{mark} {finding.status:<4} ", style), f"{finding.check:<15} ", plain(finding.found)), soft_wrap=True
            )
            if finding.advice:
                console.print(Text(f"       {'':<15} {plain(finding.advice)}", style="bright_black"), soft_wrap=True)
    if not is_well:
        raise typer.Exit(1)
