"""`smallpool evaluate`: how well real titles are understood and real sessions recalled for; each measure has a file of its own.

In: files of titles or sessions. Out: the figures, by kind, and what they were measured on.
"""

import typer

from smallpool_config.cli.evaluate_intent import intent
from smallpool_config.cli.evaluate_interests import interests, items
from smallpool_config.cli.evaluate_labels import category, tags
from smallpool_config.cli.evaluate_ner import ner
from smallpool_config.cli.evaluate_quality import quality
from smallpool_config.cli.evaluate_recall import recall
from smallpool_config.cli.evaluate_reposts import reposts

app = typer.Typer(no_args_is_help=True, help="Measure what is understood and recalled, on data of your own.")
app.command("ner")(ner)
app.command("category")(category)
app.command("tags")(tags)
app.command("quality")(quality)
app.command("reposts")(reposts)
app.command("recall")(recall)
app.command("interests")(interests)
app.command("items")(items)
app.command("intent")(intent)
