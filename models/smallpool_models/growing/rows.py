"""Suggestions as rows of the very files of a knowledge base, and rows that a person kept taken into it.

In: suggestions, or a folder of rows. Out: files of one format; a knowledge base that was checked as a whole before a file of it changed.
"""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from smallpool_core.errors import KnowledgeRefused, Problem
from smallpool_models.growing.suggest import Suggestion
from smallpool_models.understanding.knowledge import KnowledgeBase
from smallpool_models.understanding.loading import load_knowledge

_HEADERS: Final = {"products.tsv": "product\taliases\tcategories", "brands.tsv": "brand\tdisplay\taliases\tcategories"}
_POINT: Final = "point\taliases\tcategories"


def written(suggestions: Iterable[Suggestion], folder: Path) -> list[Path]:
    """Writes the suggestions, by type, as tables under `folder`; above each line stands what speaks for it. Returns the files.

    A product needs a category, so one of which none is known is a comment until a person gives it one.
    """
    lines: defaultdict[str, list[str]] = defaultdict(list)
    for one in suggestions:
        name = {"product": "products.tsv", "brand": "brands.tsv"}.get(one.type, f"points/{one.type}.tsv")
        category = "/".join(one.category)
        row = f"{one.word}\t{one.word}\t\t{category}" if one.type == "brand" else f"{one.word}\t\t{category}"
        lines[name] += [f"# {one.titles} titles, score {one.score:g}: {_plain(one.examples[0]) if one.examples else ''}"]
        lines[name] += [f"# {row}" if one.type == "product" and not category else row.rstrip("\t")]
    files = []
    for name, rows in lines.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([_HEADERS.get(name, _POINT), *rows]) + "\n", "utf-8")
        files.append(file)
    return files


def accepted(kept: Path, folder: Path) -> KnowledgeBase:
    """Adds the rows of the tables under `kept` to those of the same names in `folder`, all or none.

    Raises `KnowledgeRefused` with the places in the tables as they would be, where together they are no sound knowledge base.
    """
    tables = [file.relative_to(kept) for file in sorted(kept.glob("**/*.tsv"))]
    if strangers := [name for name in tables if not (folder / name).is_file()]:
        raise KnowledgeRefused([Problem(str(name), str(kept), f"{folder} has no such table") for name in strangers])
    if not tables:
        raise KnowledgeRefused([Problem(str(kept), "no table", "name a folder that `smallpool knowledge suggest --out` wrote")])
    with TemporaryDirectory() as aside:
        whole = Path(shutil.copytree(folder, Path(aside) / "knowledge"))
        for name in tables:
            rows, header = _rows(kept / name), "".join(_rows(folder / name)[:1])
            if rows and rows[0] != header:
                told = f"the first line that is no comment must be the header of the table: {header}"
                raise KnowledgeRefused([Problem(str(kept / name), rows[0], told)])
            before = (folder / name).read_text("utf-8").rstrip("\n")
            (whole / name).write_text("\n".join([before, *rows[1:]]) + "\n", "utf-8")
        knowledge = load_knowledge(whole)
        for name in tables:
            beside = (folder / name).with_suffix(".new")
            shutil.copyfile(whole / name, beside)
            beside.replace(folder / name)
    return knowledge


def _rows(file: Path) -> list[str]:
    """The lines that are no comments; the first one is the header."""
    return [line for line in file.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
