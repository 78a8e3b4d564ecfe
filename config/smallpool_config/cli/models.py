"""`smallpool models`: what a ranker of one's own reads, how it becomes a model folder, and vectors that are learnt anew.

In: an ONNX file. Out: a folder with its manifest, once the net was tried.
"""

from pathlib import Path
from typing import Annotated

import typer

from smallpool_config.cli.options import AsJson
from smallpool_config.cli.retrain import retrain
from smallpool_config.cli.screen import plain, print_json, screen, table
from smallpool_core.ranking import FEATURES_VERSION, MEANINGS

app = typer.Typer(help="Models of your own.", no_args_is_help=True)
app.command("retrain")(retrain)


@app.command()
def features(as_json: AsJson = False) -> None:
    """List what a ranker reads of a candidate: float32 numbers in this order."""
    if as_json:
        print_json({"version": FEATURES_VERSION, "features": [{"name": name, "meaning": told} for name, told in MEANINGS.items()]})
        return
    rows = table("#", "feature", "meaning", right=("#",))
    for place, (name, told) in enumerate(MEANINGS.items()):
        rows.add_row(str(place), name, told)
    screen().print(rows)


@app.command()
def ranker(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="An ONNX file with its weights inside.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model's folder is written.")],
    as_json: AsJson = False,
) -> None:
    """Try a ranker of your own and write it as a model folder, which `[models] ranker` may name.

    It has one input of features, (candidates, features) float32, and one output with a score for each candidate, in [0, 1]; see
    `smallpool models features`. A process that serves from the folder takes a new one up within seconds.
    """
    from smallpool_models.encoders.ranker import take_in

    manifest = take_in(file.read_bytes(), out)
    if as_json:
        print_json({"folder": str(out), "version": manifest.version, "features": FEATURES_VERSION})
    else:
        screen().print(f"wrote {plain(str(out))}, version {manifest.version}; name it as `ranker` in the section [models] of the settings")
