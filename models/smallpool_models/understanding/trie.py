"""A trie of words: what begins with the characters seen so far, found by one look a character.

In: words with what they stand for. Out: its first node.
"""

from collections.abc import Mapping
from typing import Generic, TypeVar

V = TypeVar("V")


class Node(dict[str, "Node[V]"], Generic[V]):
    """The nodes that follow, by character; `value` is what the word that ends here stands for, None where none ends."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        super().__init__()
        self.value: V | None = None


def trie_of(words: Mapping[str, V]) -> Node[V]:
    """The node from which every word can be read."""
    first = Node[V]()
    for word, value in words.items():
        node = first
        for character in word:
            following = node.get(character)
            if following is None:
                following = node[character] = Node[V]()
            node = following
        node.value = value
    return first
