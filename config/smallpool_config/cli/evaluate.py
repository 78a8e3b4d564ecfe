"""`smallpool evaluate`: how well what is understood fits real titles; each measure has a file of its own.

In: a file of titles. Out: the figures, by kind, and what they were measured on.
"""

import typer

from smallpool_config.cli.evaluate_labels import category, tags
from smallpool_config.cli.evaluate_ner import ner
from smallpool_config.cli.evaluate_quality import quality
from smallpool_config.cli.evaluate_reposts import reposts

app = typer.Typer(no_args_is_help=True, help="Measure what is understood, on titles of your own.")
app.command("ner")(ner)
app.command("category")(category)
app.command("tags")(tags)
app.command("quality")(quality)
app.command("reposts")(reposts)
