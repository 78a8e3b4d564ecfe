"""How many words that were taken out of the knowledge base on purpose are suggested again (`smallpool knowledge suggest`).

In: a file of titles, one a line. A tenth of the brands and products that stand in enough of them, by the CRC of the key, is taken out.
Out: as JSON how many of these are among the first N suggestions, and the first that were missed.
"""

import argparse
import json
import shutil
import sys
import time
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from smallpool_models.growing.suggest import suggest
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

TOPS = (50, 100, 200, 500, 1000)


def without(folder: Path, keys: dict[str, set[str]]) -> None:
    """Strikes the lines of these keys out of the tables, and the lines that name them."""
    for name in ("brands.tsv", "products.tsv", "series.tsv", "relations.tsv", "senses.tsv"):
        lines = (folder / name).read_text("utf-8").splitlines()
        kept = [line for line in lines if not _names(name, line, keys)]
        (folder / name).write_text("\n".join(kept) + "\n", "utf-8")


def _names(name: str, line: str, keys: dict[str, set[str]]) -> bool:
    cells = line.split("\t")
    if name in {"brands.tsv", "products.tsv"}:
        return cells[0] in keys[name]
    gone = keys["brands.tsv"] | keys["products.tsv"]
    words = {cell.rpartition(" ")[2] for cell in cells[:3]} | set(cells[-1].split("|"))
    return not line.startswith("#") and not words.isdisjoint(gone)


def main() -> None:
    """Measures one tenth."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("file", type=Path)
    asked.add_argument("--least", type=int, default=5)
    asked.add_argument("--tenth", type=int, default=0)
    options = asked.parse_args()
    shipped = Path(__file__).parents[1] / "config" / "knowledge"
    titles = list(dict.fromkeys(line.strip().rpartition("\t")[2] for line in options.file.read_text("utf-8").splitlines() if line.strip()))
    whole = KnowledgeUnderstander(load_knowledge(shipped))
    folded = [whole.folded(title) for title in titles]
    gone: dict[str, set[str]] = {"brands.tsv": set(), "products.tsv": set()}
    forms: dict[str, set[str]] = {}
    brands = [("brands.tsv", one.key, one.key, one.surfaces) for one in whole.knowledge.brands]
    products = [("products.tsv", one.name, one.key, one.surfaces) for one in whole.knowledge.products]
    for name, written, key, surfaces in [*brands, *products]:
        if zlib.crc32(key.encode()) % 10 != options.tenth:
            continue
        there = {one.text for one in surfaces if not one.ambiguous and sum(one.text in text for text in folded) >= options.least}
        if there:
            gone[name].add(written)
            forms[key] = there
    with TemporaryDirectory() as aside:
        folder = Path(shutil.copytree(shipped, Path(aside) / "knowledge"))
        without(folder, gone)
        lacking = KnowledgeUnderstander(load_knowledge(folder))
        started = time.process_time()
        found = suggest(titles, lacking, [], most=max(TOPS), least=options.least, report=lambda _done, _total: None)
        spent = time.process_time() - started
    ranks = {one.word: rank for rank, one in enumerate(found)}
    best = {key: min((ranks[form] for form in some if form in ranks), default=None) for key, some in forms.items()}
    among = {top: sum(rank is not None and rank < top for rank in best.values()) for top in TOPS}
    missed = [key for key, rank in best.items() if rank is None]
    told = {"file": options.file.name, "titles": len(titles), "held_out": len(forms), "among_first": among, "cpu_s": round(spent, 1)}
    struck = forms.keys() & gone["brands.tsv"]
    brand_hits = sum(best[key] is not None for key in struck)
    sys.stdout.write(json.dumps({**told, "brands": [brand_hits, len(struck)], "missed": missed[:40]}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
