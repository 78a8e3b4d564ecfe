"""Union of the sources: one candidate an item, which keeps every source that gave it and its rank there."""

from smallpool_service.candidates import Candidate, Lists


def merge(lists: Lists) -> list[Candidate]:
    """One candidate an item, in order of first appearance; the row that carries matched terms is the one kept."""
    merged: dict[str, Candidate] = {}
    for source, hits in lists.by_source.items():
        for rank, hit in enumerate(hits, start=1):
            candidate = merged.get(hit.item_id)
            if candidate is None:
                candidate = merged[hit.item_id] = Candidate(hit, {}, hit.via)
            candidate.ranks[source] = rank
            if hit.interest:
                candidate.interests[source] = hit.interest
            candidate.via = candidate.via or hit.via
            if hit.terms and not candidate.hit.terms:
                candidate.hit = hit
    return list(merged.values())
