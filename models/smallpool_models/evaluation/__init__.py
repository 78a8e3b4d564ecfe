"""Measures what understanding makes of real titles, against copies that are made worse or only different on purpose."""
