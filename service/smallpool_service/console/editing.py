"""What an operator does to the tree of a rule: adds, removes, nests, chooses another field.

In: a tree and an act such as `add-leaf:r-0`. Out: the tree after it, and the node that should have the focus.
"""

from typing import Final

from smallpool_core.rules.expression import MAX_DEPTH
from smallpool_service.console.editors import default_operator, editor_of
from smallpool_service.console.tree import Node, new_leaf, numbered
from smallpool_service.console.vocabulary import Vocabulary

ADD_LEAF: Final = "add-leaf"
ADD_GROUP: Final = "add-group"
REMOVE: Final = "remove"
NEST: Final = "nest"
CHANGE: Final = "change"


def edited(root: Node, act: str, vocabulary: Vocabulary) -> str:
    """Does the act, in place; returns the id of the node that is to have the focus, empty for none."""
    verb, _, node_id = act.partition(":")
    found = {node.node_id: node for node in root.walk()}
    parents = {part.node_id: node for node in root.walk() for part in node.parts}
    node, parent = found.get(node_id), parents.get(node_id)
    focus: Node | None = None
    if verb in {ADD_LEAF, ADD_GROUP} and node is not None and node.mode is not None:
        focus = _added(node, new_leaf(vocabulary), is_group=verb == ADD_GROUP)
    elif verb == REMOVE and node is not None and parent is not None:
        place = parent.parts.index(node)
        parent.parts.remove(node)
        focus = parent.parts[min(place, len(parent.parts) - 1)] if parent.parts else parent
    elif verb == NEST and node is not None and parent is not None:
        parent.parts[parent.parts.index(node)] = Node("", "any", [node])
        focus = node
    elif verb == CHANGE and node is not None and node.mode is None:
        _fit(node, vocabulary)
        focus = node
    numbered(root)
    return "" if focus is None else focus.node_id


def _added(group: Node, leaf: Node, *, is_group: bool) -> Node:
    if group.node_id.count("-") < MAX_DEPTH - 2:
        group.parts.append(Node("", "any", [leaf]) if is_group else leaf)
    return leaf


def _fit(node: Node, vocabulary: Vocabulary) -> None:
    """Another field or operator: an operator that the field has, and of what was typed as much as its editor can show."""
    known = vocabulary.field(node.name)
    if known is None:
        return
    before = "range" if "low" in node.raw else "offset" if "count" in node.raw else "text"
    if node.op not in known.operators:
        node.op, node.raw = default_operator(known), {}
    editor = editor_of(known, node.op)
    texts = [text for text in node.raw.get("v", []) if text]
    if editor in {"text", "instant", "choice"}:
        node.raw = {"v": texts[:1]}
    elif editor in {"texts", "choices"}:
        node.raw = {"v": texts}
    elif editor != before:
        node.raw = {}
