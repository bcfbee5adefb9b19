"""Turns pydantic's location of a mistake into an RFC 6901 pointer into the client's own document.

Pydantic names, besides keys and indexes, the branches of unions it went through; those are not in
the document. The JSON schema of the body tells the two apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.pointers import pointer

Node = Mapping[str, Any]
Step = str | int


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a document.

    Attributes:
        pointer: "/network/layers/3/units"; "" is the whole document.
        names: the names that an object at this place may have, by the schema.
        in_union: the place was reached through a branch of a union that only pydantic names.
        value: what the document has there; None also where it has nothing.
    """

    pointer: str
    names: tuple[str, ...] = ()
    in_union: bool = False
    value: object = None

    def child(self, name: str) -> str:
        """The pointer of something in the object at this place."""
        return self.pointer + pointer(name)


def locate(schema: Node, steps: Sequence[Step], document: object) -> Location:
    """The place that `steps` lead to.

    Args:
        schema: JSON schema of the document, with its definitions under "$defs".
        steps: pydantic's `loc`, without the leading "body".
        document: what the client sent.
    """
    nodes: tuple[Node, ...] = (schema,)
    place = ""
    in_union = False
    for step in steps:
        open_nodes = tuple(_branches(schema, nodes))
        tagged = tuple(_tagged(open_nodes, step))
        following = tuple(_children(open_nodes, step))
        if tagged:
            nodes = tagged
            in_union = False
        elif isinstance(step, int) and not _contains(document, step):
            nodes = following  # one value in the document stands for all of a list
        elif following or _contains(document, step):
            nodes = following or tuple(_values(open_nodes))
            place += pointer(step)
            document = _inside(document, step)
        elif step != "[key]":
            in_union = True
    names = [name for node in _branches(schema, nodes) for name in node.get("properties", ())]
    return Location(place, tuple(dict.fromkeys(names)), in_union, document)


def _branches(schema: Node, nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            yield from _branches(schema, (schema["$defs"][name],))
            continue
        yield node
        # The branches of a union with a tag are entered by the tag alone.
        if "discriminator" not in node:
            for union in ("anyOf", "oneOf", "allOf"):
                yield from _branches(schema, node.get(union, ()))


def _tagged(nodes: Sequence[Node], step: Step) -> Iterator[Node]:
    for node in nodes:
        mapping = node.get("discriminator", {}).get("mapping", {})
        if step in mapping:
            yield {"$ref": mapping[step]}


def _children(nodes: Sequence[Node], step: Step) -> Iterator[Node]:
    for node in nodes:
        if isinstance(step, str):
            if step in node.get("properties", ()):
                yield node["properties"][step]
        elif step < len(node.get("prefixItems", ())):
            yield node["prefixItems"][step]
        elif isinstance(node.get("items"), Mapping):
            yield node["items"]


def _values(nodes: Sequence[Node]) -> Iterator[Node]:
    """What the values of an object are whose names are the client's own."""
    for node in nodes:
        if isinstance(node.get("additionalProperties"), Mapping):
            yield node["additionalProperties"]


def _contains(document: object, step: Step) -> bool:
    if isinstance(step, int):
        return isinstance(document, list) and 0 <= step < len(document)
    return isinstance(document, dict) and step in document


def _inside(document: object, step: Step) -> object:
    if isinstance(document, dict | list) and _contains(document, step):
        return document[step]  # type: ignore[index]  # _contains has checked it
    return None
