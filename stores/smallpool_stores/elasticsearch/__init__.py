"""Elasticsearch: the wide index, the pools and the keys of the distributed wiring."""
