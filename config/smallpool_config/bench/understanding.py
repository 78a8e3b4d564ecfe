"""`smallpool bench understand`: what it costs to understand titles, in batches and one by one, on one core.

In: how many titles, a seed. Out: titles a second and milliseconds a title, with the models of the settings (spans, category, tags) and, in
the same run, by the knowledge base alone. Titles are generated ones of 30 characters; nothing is stored.
"""

import time
from collections.abc import Sequence
from itertools import islice
from typing import Any

from smallpool_config.bench.report import machine, percentile, tracked
from smallpool_config.settings import ModelSettings, Settings
from smallpool_config.tagging import understander_of
from smallpool_core.items import Given
from smallpool_models.listings import generate_listings
from smallpool_models.understanding import KnowledgeBase, KnowledgeUnderstander, load_knowledge

BATCH = 64
CHARACTERS = 30
SINGLES = 500
_ENOUGH = 100
"""Listings that may be generated for each title wanted; no more are made than it takes."""
_START_MS = 1_760_000_000_000


def bench_understand(settings: Settings, *, titles: int, seed: int) -> dict[str, Any]:
    """The figures as JSON values; all of it on one thread."""
    knowledge = load_knowledge(settings.knowledge.path)
    given = _titles(knowledge, titles, seed)
    understander = understander_of(knowledge, settings.models)
    alone = understander_of(knowledge, ModelSettings(ner=""))
    figures, plain = _timed(understander, given), _timed(alone, given)
    return {
        **figures,
        "knowledge_alone": plain,
        "titles": len(given),
        "characters": CHARACTERS,
        "batch_size": BATCH,
        "seed": seed,
        "version": understander.version,
        "machine": machine(),
    }


def _titles(knowledge: KnowledgeBase, count: int, seed: int) -> list[Given]:
    """Generated titles cut to 30 characters, of those that are longer."""
    listings = generate_listings(knowledge, count=_ENOUGH * count, seed=seed, start_ms=_START_MS)
    texts = (event.given.title for event in listings if event.given is not None)
    return list(islice((Given(title=text[:CHARACTERS]) for text in texts if len(text) >= CHARACTERS), count))


def _timed(understander: KnowledgeUnderstander, given: Sequence[Given]) -> dict[str, float]:
    understander.understand(given[:BATCH])
    started, computed = time.perf_counter(), time.process_time()
    for first in tracked(range(0, len(given), BATCH), "batches", -(-len(given) // BATCH)):
        understander.understand(given[first : first + BATCH])
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - computed
    singles = []
    for one in given[:SINGLES]:
        started = time.perf_counter()
        understander.understand([one])
        singles.append((time.perf_counter() - started) * 1000)
    return {
        "titles_per_s": round(len(given) / wall_s, 1),
        "titles_per_cpu_s": round(len(given) / cpu_s, 1),
        "one_p50_ms": percentile(singles, 50),
        "one_p99_ms": percentile(singles, 99),
    }
