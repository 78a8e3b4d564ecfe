"""The tables of docs/results/vectors.md: interests beside every rival, each gate and the metric loss left out in turn, by seed.

In: options of `smallpool train interests` that name the data, seeds, minutes a training. Out: models and figures in a folder, where what is
there already is not made again; a table in Markdown on stdout, the mean over the seeds and, in brackets, the seeds' own figures.

    python benchmarks/interest_tables.py --out ~/tables --seeds 1,2,3 --minutes 12 -- --sessions DIR
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

VARIANTS: dict[str, tuple[str, ...]] = {
    "full": (),
    "one_interest": ("--interests", "1"),
    "without_fusion": ("--without", "fusion"),
    "without_selection": ("--without", "selection"),
    "without_metric": ("--without", "metric"),
}
FIGURES = ("hr@10", "ndcg@10", "recall@20", "recall@50")
EVALUATED = ("--baselines", "--blend", "--by-activity")


def main() -> None:
    """Trains, evaluates, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--minutes", default="12")
    parser.add_argument("--questions", default="0")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--latent", action="store_true")
    parser.add_argument("source", nargs="+", help="after --: the options that name the data")
    asked = parser.parse_args()
    found = [of_seed(asked, seed, asked.variants.split(",")) for seed in asked.seeds.split(",")]
    print_rows(found)
    for told in found:
        print_likeness(told)


def of_seed(asked: argparse.Namespace, seed: str, variants: Sequence[str]) -> dict[str, Any]:
    """The figures of one seed."""
    folders = {name: asked.out / seed / name for name in variants}
    for name, folder in folders.items():
        if not (folder / "manifest.json").is_file():
            limits = ("--minutes", asked.minutes, "--seed", seed)
            smallpool("train", "interests", *asked.source, "--out", str(folder), *limits, *VARIANTS[name], "--json")
    first, *others = folders.values()
    beside = [part for folder in others for part in ("--against", str(folder))]
    more = [*EVALUATED, *(("--latent",) if asked.latent else ()), *beside, "--questions", asked.questions, "--seed", seed, "--json"]
    return kept(asked.out / seed / "figures.json", ("evaluate", "interests", *asked.source, "--model", str(first), *more))


def kept(file: Path, command: Sequence[str]) -> dict[str, Any]:
    """What the command prints as JSON, from the file if it was run before."""
    if not file.is_file():
        file.write_text(smallpool(*command), encoding="utf-8")
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return told


def smallpool(*command: str) -> str:
    """Stdout of a command, which must succeed."""
    program = "import sys; from smallpool_config.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", program, *command], stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  its own
    return done.stdout


def print_rows(found: Sequence[dict[str, Any]]) -> None:
    """A row a scorer; the differences of recall@50 are those of the model's minus the row's, each seed's interval."""
    first = found[0]
    print(f"\n{first['data']}: {first['questions']} questions among {first['items']} items, history {first['history']}\n")
    print("| row | " + " | ".join(FIGURES) + " | interests − row, recall@50, 95 % by seed |")
    print("|---" * (len(FIGURES) + 2) + "|")
    for place, row in enumerate([{"row": "interests"}, *first["rows"]]):
        each = [told if not place else told["rows"][place - 1] for told in found]
        cells = [f"{fmean(one[name] for one in each):.4f} ({', '.join(f'{one[name]:.4f}' for one in each)})" for name in FIGURES]
        bounds = ["{:+.4f} … {:+.4f}".format(*one["interests_minus_this"]["recall@50"]["interval"]) for one in each] if place else []
        print(f"| {row['row']} | " + " | ".join(cells) + f" | {'; '.join(bounds)} |")


def print_likeness(told: dict[str, Any]) -> None:
    """How alike a person's interests are, by model; what latent interests find."""
    for row in ({"row": "interests", **told}, *told["rows"]):
        if "ils" in row:
            print(f"seed {told['seed']}: ILS {row['row']} {row['ils']['mean']:.4f} of {row['ils']['people']} people")
    for row in told.get("latent", {}).get("rows", ()):
        print(f"seed {told['seed']}: new categories, hit@20: {row['row']} {row['hit@20']:.4f} {row['latent_minus_this']['interval']}")


if __name__ == "__main__":
    main()
