"""A rule while it is edited: groups and conditions, each with its place in the form, as texts that need not make sense yet.

In: a stored rule, or the fields of a form. Out: a tree that the templates draw; the rule as JSON with the node that stands at each path.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, cast

from msgspec import Struct, field

from smallpool_core.fields import Field, Operator
from smallpool_core.rules.expression import MAX_DEPTH, MAX_LEAVES
from smallpool_service.console.editors import Untyped, default_operator, editor_of, is_blank, raw_of, value_of
from smallpool_service.console.forms import Form
from smallpool_service.console.vocabulary import Vocabulary

ROOT: Final = "r"
WHOLE: Final = "rule"
"""Where a rule stands in what an operator sends; every path begins with it."""
FIRST_FIELD: Final = "category"
Mode = Literal["all", "any", "none"]
MODES: Final[tuple[Mode, ...]] = ("all", "any", "none")


class Node(Struct):
    """A group where `mode` is given, else a condition. `errors` are sentences for people, `raw` texts of inputs by part."""

    node_id: str
    mode: Mode | None = None
    parts: list["Node"] = field(default_factory=list)
    name: str = ""
    op: str = ""
    raw: dict[str, list[str]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def is_blank(self) -> bool:
        """Whether it is a condition into which nothing was typed yet."""
        return self.mode is None and is_blank(self.raw)

    def text(self, part: str = "v") -> str:
        """The first text of a part."""
        texts = self.raw.get(part, [])
        return texts[0] if texts else ""

    def walk(self) -> Iterator["Node"]:
        """The node and everything in it, in reading order."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Written(Struct):
    """The rule as JSON, the node at each path, and what could not be read from an input: a key of a sentence by path."""

    rule: dict[str, Any]
    places: dict[str, Node]
    untyped: list[tuple[str, str]]

    def node_at(self, path: str) -> Node:
        """The node that a mistake at this path is about: the deepest one that holds it."""
        inside = [known for known in self.places if path == known or path.startswith((f"{known}.", f"{known}["))]
        return self.places[max(inside, key=len, default=WHOLE)]


def tree_of(rule: Mapping[str, Any], vocabulary: Vocabulary) -> Node:
    """The tree of a stored rule; the outermost is always a group."""
    root = _node(rule, ROOT, vocabulary)
    return numbered(root if root.mode is not None else Node(ROOT, "all", [root]))


def tree_from(form: Form) -> Node:
    """The tree that a form sends; what has no place in it is left out."""
    nodes: dict[tuple[int, ...], Node] = {}
    for name, value in form:
        node_id, colon, part = name.partition(":")
        place = _place(node_id) if colon else None
        if place is None or (place not in nodes and len(nodes) > 2 * MAX_LEAVES):
            continue
        node = nodes.setdefault(place, Node(node_id))
        match part:
            case "mode":
                node.mode = value if value in MODES else "all"
            case "field":
                node.name = value
            case "op":
                node.op = value
            case "lines":
                node.raw.setdefault("v", []).extend(line for line in value.splitlines() if line.strip())
            case _:
                node.raw.setdefault(part, []).append(value)
    root = nodes.get((), Node(ROOT, "all"))
    root.mode = root.mode or "all"
    for place in sorted(nodes):
        parent = nodes.get(place[:-1]) if place else None
        if parent is not None and parent.mode is not None:
            parent.parts.append(nodes[place])
    return numbered(root)


def written(root: Node, vocabulary: Vocabulary, *, skip_blank: bool = False) -> Written:
    """The rule that the tree is; with `skip_blank` without conditions into which nothing was typed."""
    made = Written({}, {}, [])
    made.rule = _json(root, WHOLE, vocabulary, made, skip_blank=skip_blank)
    return made


def numbered(root: Node) -> Node:
    """The same tree, each node named after its place."""
    for place, part in enumerate(root.parts):
        part.node_id = f"{root.node_id}-{place}"
        numbered(part)
    return root


def new_leaf(vocabulary: Vocabulary, name: str = FIRST_FIELD) -> Node:
    """A condition that waits for its value."""
    known = vocabulary.field(name)
    return Node("", name=name, op=default_operator(known) if known is not None else "")


def _place(node_id: str) -> tuple[int, ...] | None:
    root, *numbers = node_id.split("-")
    is_sound = root == ROOT and len(numbers) <= MAX_DEPTH and all(one.isascii() and one.isdigit() and len(one) <= 4 for one in numbers)
    return tuple(map(int, numbers)) if is_sound else None


def _node(expression: Mapping[str, Any], node_id: str, vocabulary: Vocabulary) -> Node:
    match expression:
        case {"all": list() as parts}:
            return Node(node_id, "all", [_node(part, "", vocabulary) for part in parts])
        case {"any": list() as parts}:
            return Node(node_id, "any", [_node(part, "", vocabulary) for part in parts])
        case {"not": {"any": list() as parts}}:
            return Node(node_id, "none", [_node(part, "", vocabulary) for part in parts])
        case {"not": dict() as part}:
            return Node(node_id, "none", [_node(part, "", vocabulary)])
        case _:
            return _leaf(expression, node_id, vocabulary)


def _leaf(expression: Mapping[str, Any], node_id: str, vocabulary: Vocabulary) -> Node:
    name, op, value = str(expression.get("field")), str(expression.get("op")), expression.get("value")
    known = vocabulary.field(name)
    raw = raw_of(known, cast("Operator", op), value) if known is not None else {"v": [str(value)]}
    return Node(node_id, name=name, op=op, raw={part: list(texts) for part, texts in raw.items()})


def _json(node: Node, path: str, vocabulary: Vocabulary, made: Written, *, skip_blank: bool) -> dict[str, Any]:
    made.places[path] = node
    if node.mode is None:
        return _leaf_json(node, path, vocabulary.field(node.name), made)
    parts = [part for part in node.parts if not (skip_blank and part.is_blank)]
    if node.mode == "none" and len(parts) == 1:
        return {"not": _json(parts[0], f"{path}.not", vocabulary, made, skip_blank=skip_blank)}
    group = "any" if node.mode == "none" else node.mode
    inner = f"{path}.not.any" if node.mode == "none" else f"{path}.{group}"
    listed: dict[str, Any] = {
        group: [_json(part, f"{inner}[{place}]", vocabulary, made, skip_blank=skip_blank) for place, part in enumerate(parts)]
    }
    return {"not": listed} if node.mode == "none" else listed


def _leaf_json(node: Node, path: str, known: Field | None, made: Written) -> dict[str, Any]:
    op = cast("Operator", node.op)
    value: Any = node.text()
    if known is not None and op in known.operators:
        try:
            value = value_of(known, op, node.raw)
        except Untyped as error:
            made.untyped.append((f"{path}.value{error.part}", error.key))
    return {"field": node.name, "op": node.op, "value": value}


def editor_name(node: Node, vocabulary: Vocabulary) -> str:
    """The editor of a condition; of a field or operator that there is not, the plainest one."""
    known, op = vocabulary.field(node.name), cast("Operator", node.op)
    return editor_of(known, op) if known is not None and op in known.operators else "text"
