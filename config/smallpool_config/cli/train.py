"""`smallpool train`: models of a marketplace's own, from its own data; each has a file of its own.

In: files. Out: a folder with the model and its card.
"""

import typer

from smallpool_config.cli.train_intent import intent
from smallpool_config.cli.train_labels import category, tags
from smallpool_config.cli.train_ner import ner
from smallpool_config.cli.train_prices import prices
from smallpool_config.cli.train_quality import quality
from smallpool_config.cli.train_vectors import interests, items

app = typer.Typer(no_args_is_help=True, help="Train models on data of your own.")
app.command("ner")(ner)
app.command("category")(category)
app.command("tags")(tags)
app.command("prices")(prices)
app.command("quality")(quality)
app.command("items")(items)
app.command("interests")(interests)
app.command("intent")(intent)
