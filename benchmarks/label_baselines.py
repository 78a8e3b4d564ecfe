"""A model of categories or tags beside plain TF-IDF on the same split, paired.

In: a folder of `split_labels.py`, a model trained on its `train.tsv`. Out: of categories the accuracy of the model and of a linear SVM
(C = 1) over runs of one and two characters; of tags the micro F1 of the model, of one linear SVM a tag, with its own threshold and with one
chosen on a fifth of the training titles, and of the nearest training title; each with the 95 % interval of what the model gains over it.

scikit-learn is no dependency of smallpool: install it apart.

    python benchmarks/label_baselines.py --split /tmp/category --model /tmp/category/model
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-not-found]  # installed apart
from sklearn.multiclass import OneVsRestClassifier  # type: ignore[import-not-found]
from sklearn.preprocessing import MultiLabelBinarizer  # type: ignore[import-not-found]
from sklearn.svm import LinearSVC  # type: ignore[import-not-found]

from smallpool_config.settings import KnowledgeSettings
from smallpool_models.encoders.labels import CATEGORY, SCHEMA, TAGS, CategoryPredictor, TagPredictor
from smallpool_models.evaluation.intervals import middle
from smallpool_models.labels.rows import LabelledTitle, read_categories, read_tags
from smallpool_models.labels.scores import label_counts, label_score
from smallpool_models.ner.scores import difference
from smallpool_models.ner.titles import parted
from smallpool_models.registry.folder import read_model
from smallpool_models.understanding import KnowledgeUnderstander, load_knowledge

DRAWS = 2_000
Found = Sequence[Sequence[str]]


def main() -> None:
    """Prints a line for each baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", required=True, type=Path)
    parser.add_argument("--model", required=True, type=Path)
    given = parser.parse_args()
    has_tags = (given.split / "test.tsv").read_text("utf-8").split("\n", 1)[0].count("\t") == 2
    (of_tags if has_tags else of_categories)(given.split, given.model)


def of_categories(split: Path, model: Path) -> None:
    """Accuracy."""
    train, test = (read_categories(split / f"{part}.tsv").titles for part in ("train", "test"))
    reader, learnt = tf_idf(train)
    svm = LinearSVC(C=1).fit(learnt, [one.labels[0] for one in train])
    truth = np.array([one.labels[0] for one in test])
    plain = svm.predict(reader.transform(texts(test))) == truth
    found = CategoryPredictor(read_model(model, CATEGORY, SCHEMA)).predict(as_served(test))
    ours = np.array([label for label, _ in found]) == truth
    rng = np.random.default_rng(1)
    gains = ours.astype(float) - plain
    low, high = middle(np.array([gains[rng.integers(0, len(gains), len(gains))].mean() for _ in range(DRAWS)]))
    print(f"model {ours.mean():.4f}, linear SVM {plain.mean():.4f}, gained [{low:.4f}, {high:.4f}] of {len(test)} titles")


def of_tags(split: Path, model: Path) -> None:
    """Micro F1."""
    train, test = (read_tags(split / f"{part}.tsv").titles for part in ("train", "test"))
    there = [one.labels for one in test]
    ours = TagPredictor(read_model(model, TAGS, SCHEMA)).predict(as_served(test))
    reader, learnt = tf_idf(train)
    nearest = np.asarray((reader.transform(texts(test)) @ learnt.T).argmax(axis=1)).ravel()
    kept, held = parted(train, 0.2, "threshold")
    names, decided = by_svm(kept, held)
    step = max(np.arange(-1, 0.5, 0.05), key=lambda one: label_score([title.labels for title in held], above(names, decided, one)).f1)
    names, decided = by_svm(train, test)
    print(f"model {label_score(there, ours).f1:.4f} of {len(test)} titles")
    for name, found in (
        ("nearest title", [train[place].labels for place in nearest]),
        ("linear SVM a tag", above(names, decided, 0)),
        (f"the same from {step:.2f}", above(names, decided, step)),
    ):
        low, high = difference(label_counts(there, ours), label_counts(there, found))
        print(f"{name} {label_score(there, found).f1:.4f}, gained [{low:.4f}, {high:.4f}]")


def texts(titles: Sequence[LabelledTitle]) -> list[str]:
    """The titles."""
    return [one.text for one in titles]


def as_served(titles: Sequence[LabelledTitle]) -> list[str]:
    """The titles as the model is asked for them; the baselines read them as they are, in small letters."""
    folder = KnowledgeUnderstander(load_knowledge(KnowledgeSettings().path))
    return [folder.folded(one.text) for one in titles]


def tf_idf(train: Sequence[LabelledTitle]) -> tuple[Any, Any]:
    """What reads titles, and the rows of the training titles."""
    reader = TfidfVectorizer(analyzer="char", ngram_range=(1, 2))
    return reader, reader.fit_transform(texts(train))


def by_svm(train: Sequence[LabelledTitle], test: Sequence[LabelledTitle]) -> tuple[Sequence[str], Any]:
    """The tags, and how far each test title is on the side of each."""
    reader, learnt = tf_idf(train)
    tags = MultiLabelBinarizer(sparse_output=True)
    machines = OneVsRestClassifier(LinearSVC(C=1)).fit(learnt, tags.fit_transform([one.labels for one in train]))
    return tags.classes_, machines.decision_function(reader.transform(texts(test)))


def above(names: Sequence[str], decided: Any, step: float) -> Found:
    """The tags of each title from this on."""
    return [[names[tag] for tag in np.flatnonzero(row > step).tolist()] for row in decided]


if __name__ == "__main__":
    main()
