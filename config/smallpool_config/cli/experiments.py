"""`smallpool experiments`: experiments looked at, kept as files, ended, reported on, and tried on simulated people.

In: ids, YAML files. Out: tables, revisions, reports.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from smallpool_config.cli.experiment_tables import report_of, trials_table
from smallpool_config.cli.options import AsJson, Data
from smallpool_config.cli.screen import plain, print_json, progress, screen, table, when

if TYPE_CHECKING:
    from smallpool_config.cli.experiment_files import ExperimentFile
    from smallpool_config.wiring import System
    from smallpool_core.experiments import Experiment

app = typer.Typer(no_args_is_help=True, help="Split people into buckets, change what a bucket gets, see what came of it.")
Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="An experiment's id.")]
FORMATS = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]
Since = Annotated[
    datetime | None, typer.Option("--since", formats=FORMATS, metavar="TIME", help="Pages from this time (UTC) on.", show_default=False)
]
Until = Annotated[
    datetime | None, typer.Option("--until", formats=FORMATS, metavar="TIME", help="Pages before this time (UTC).", show_default=False)
]
WindowH = Annotated[float, typer.Option("--window-h", min=0.01, max=168, help="Hours after a page in which an act may be its doing.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Why; kept with the revision.")]


@app.command("list")
def list_experiments(ctx: typer.Context, data: Data = None, as_json: AsJson = False) -> None:
    """List all experiments, with their layer, their part of its people and their buckets."""
    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        found = [one.experiment for one in asyncio.run(system.experiment_store.newest())]
    if as_json:
        print_json(found)
        return
    rows = table("experiment", "name", "state", "layer", "traffic", "buckets", "pools")
    for one in found:
        buckets = ", ".join(f"{each.name} {each.share:.4g}" for each in one.buckets)
        traffic = f"{one.traffic_from:.4g} – {one.traffic_until:.4g}"
        names = (plain(one.experiment_id), plain(one.name), one.state, plain(one.layer))
        rows.add_row(*names, traffic, plain(buckets), plain(", ".join(one.pools) or "all"))
    screen().print(rows)


@app.command("show")
def show(ctx: typer.Context, experiment: Name, data: Data = None, as_json: AsJson = False) -> None:
    """Show one experiment: its buckets with what each overrides, and every revision with who made it and why."""
    import msgspec

    from smallpool_config.cli.session import opened

    with opened(ctx, data) as system:
        revisions = asyncio.run(system.experiment_store.revisions(experiment))
    stored = revisions[0].experiment
    if as_json:
        made = [{"revision": one.experiment.revision, "author": one.author, "reason": one.reason, "at": one.at} for one in revisions]
        print_json({"experiment": stored, "revisions": made})
        return
    console = screen()
    console.print(Text.assemble((plain(stored.name), "bold"), f"  {plain(stored.experiment_id)}, {stored.state}"))
    console.print(Text(f"layer {plain(stored.layer)} from {stored.traffic_from:.4g} to {stored.traffic_until:.4g}"))
    console.print(Text(f"began {when(stored.started_at)}, ended {when(stored.ended_at)}"))
    buckets = table("bucket", "share", "overrides", right=("share",))
    for each in stored.buckets:
        said = {name: getattr(each, name) for name in ("settings", "ordering", "read") if getattr(each, name)}
        buckets.add_row(plain(each.name), f"{each.share:.4g}", plain(msgspec.json.encode(said).decode()) if said else "–")
    console.print(buckets)
    rows = table("revision", "made", "by", "because", right=("revision",))
    for one in revisions:
        rows.add_row(str(one.experiment.revision), when(one.at), plain(one.author), plain(one.reason))
    console.print(rows)


@app.command("apply")
def apply(
    ctx: typer.Context,
    place: Annotated[Path, typer.Argument(metavar="FILE_OR_DIR", help="A YAML file, or a folder of them.", exists=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and change nothing.")] = False,
    reason: Reason = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Bring experiments in line with files: makes new ones, changes those that differ. A running server follows within a second.

    Every file is checked before the first change. What a file leaves out stays as it is; an experiment without a file is left alone.
    """
    from smallpool_config.cli.experiment_files import check_together, read_experiments
    from smallpool_config.cli.session import opened

    files = read_experiments(place)
    with opened(ctx, data, create=True) as system:
        system.catalogue.refresh()
        stored = {one.experiment.experiment_id: one.experiment for one in asyncio.run(system.experiment_store.newest())}
        check_together(files, stored, system.experiments, system.clock.now_ms())
        done = [_applied(system, file, stored.get(file.experiment_id), reason, dry_run=dry_run) for file in files]
    if as_json:
        print_json([{"experiment_id": name, "action": action, "changes": changes} for name, action, changes in done])
        return
    for name, action, changes in done:
        screen().print(Text(f"{action:<9} {plain(name)}{': ' if changes else ''}{', '.join(changes)}"))


@app.command("end")
def end(ctx: typer.Context, experiment: Name, reason: Reason = None, data: Data = None) -> None:
    """End an experiment; within a second its people get what everybody gets. It keeps its report and never runs again."""
    from smallpool_config.cli.pool_plan import command_line_author
    from smallpool_config.cli.session import opened
    from smallpool_core.experiments import ExperimentDraft

    with opened(ctx, data) as system:
        known = asyncio.run(system.experiment_store.revisions(experiment))[0].experiment.revision
        ended = ExperimentDraft(state="ended")
        put = system.experiment_store.put(experiment, ended, known, command_line_author(), reason or "ended", system.clock.now_ms())
        saved = asyncio.run(put).experiment
    screen().print(Text(f"{plain(experiment)} has ended, at revision {saved.revision}"))


@app.command("report")
def report(
    ctx: typer.Context,
    experiment: Name,
    since: Since = None,
    until: Until = None,
    window_h: WindowH = 24.0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Say what came of an experiment: clicks and orders a person, people who click, rates by source, each with its interval.

    Read from the logs of what was served and done, which are kept for seven days.
    """
    from smallpool_config.cli.session import opened
    from smallpool_service.experiments.report import Asked
    from smallpool_service.experiments.report import report as make

    asked = Asked(epoch_ms(since), epoch_ms(until), int(window_h * 3_600_000))
    with opened(ctx, data) as system, progress("reading", shown=not as_json) as show_progress:
        stored = asyncio.run(system.experiment_store.revisions(experiment))[0].experiment
        desk = system.experiment_desk
        made = asyncio.run(make(system.log, system.clock, desk.opens_outcomes, stored, asked, show_progress))
    if as_json:
        print_json(made)
        return
    for part in report_of(made):
        screen().print(part)


@app.command("simulate")
def simulate(
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1_000, help="How many experiments.")] = 20,
    people: Annotated[int, typer.Option("--people", min=10, max=100_000, help="People in each.")] = 1_000,
    effect: Annotated[float, typer.Option("--effect", min=0.0, max=5.0, help="How much more likely clicks are made; 0 is an A/A.")] = 0.0,
    as_json: AsJson = False,
) -> None:
    """Run experiments on simulated people through the real hash, join and statistics: how often is an effect found?

    Without an effect that is the rate of false positives, which should be one in twenty; with one it is the power.
    """
    from smallpool_service.experiments.simulation import simulate as run
    from smallpool_stores.duckdb.outcomes import open_outcomes

    with progress("experiments", shown=not as_json) as show_progress:
        found = run(open_outcomes, range(seeds), people, effect, show_progress)
    if as_json:
        print_json(found)
        return
    for part in trials_table(found):
        screen().print(part)


def epoch_ms(at: datetime | None) -> int | None:
    """A time of an option, which is UTC, in ms."""
    return None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1000)


def _applied(
    system: "System", file: "ExperimentFile", stored: "Experiment | None", reason: str | None, *, dry_run: bool
) -> tuple[str, str, list[str]]:
    """The id, what is done, and which parts of the experiment change."""
    from smallpool_config.cli.experiment_files import differences
    from smallpool_config.cli.pool_plan import command_line_author
    from smallpool_service.experiments.operating import save_experiment
    from smallpool_service.operators import Change

    changes = [] if stored is None else differences(file.draft, stored)
    if stored is not None and not changes:
        return file.experiment_id, "unchanged", []
    if not dry_run:
        expected = None if stored is None else stored.revision
        change = Change(command_line_author(), reason or f"applied from {file.path.name}", system.clock.now_ms(), expected)
        asyncio.run(save_experiment(system.experiment_store, system.experiments, file.experiment_id, file.draft, change))
    return file.experiment_id, "create" if stored is None else "change", changes
