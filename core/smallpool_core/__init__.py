"""The words, the ports, the rule language and the error tree that every other package agrees on.

Imports the standard library and msgspec only, and opens nothing.
"""
