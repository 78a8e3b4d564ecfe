"""Generated listings, buyers and what they do: material for the demo and the benchmarks, composed from the knowledge base."""

from smallpool_models.listings.buyers import Buyer, Interest, generate_buyers, generate_user_events
from smallpool_models.listings.generate import generate_listings

__all__ = ["Buyer", "Interest", "generate_buyers", "generate_listings", "generate_user_events"]
