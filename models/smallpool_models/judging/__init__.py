"""Trains the quality of listings, and measures it: listings as they are against copies that were spoilt on purpose."""
