"""Understanding of listings: the domain knowledge base, and what it makes of titles and descriptions."""

from smallpool_models.understanding.knowledge import KnowledgeBase
from smallpool_models.understanding.loading import load_knowledge
from smallpool_models.understanding.understander import KnowledgeUnderstander

__all__ = ["KnowledgeBase", "KnowledgeUnderstander", "load_knowledge"]
