"""Lets a bare name stand for a configured object, as Keras does: "he_normal", "mse", "accuracy".

Inside the service there is only the object, so nothing else has to know of the two ways to write
it. A spec that is read back shows the name again wherever the name says all.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from models.specs.base import Spec

Fields = Mapping[str, object]


def _require_tag(schema: dict[str, Any], model: type["Tagged"]) -> None:
    """Say in the JSON schema that the tag must be there; only code may leave it to its default."""
    schema["required"] = sorted({model.tag, *schema.get("required", ())})


class Tagged(Spec):
    """A member of a union whose members are told apart by one field, the tag."""

    # A hundred classes make a start slow. What their fields mean is Keras's own documentation, so
    # it is not read from their sources; and only the unions they are in are built at once.
    model_config = ConfigDict(
        json_schema_extra=_require_tag, use_attribute_docstrings=False, defer_build=True
    )

    tag: ClassVar[str]
    """The name of the field that says which member this is: "layer", "optimizer", "loss"."""

    def model_post_init(self, _context: object, /) -> None:
        """Count the tag as set: without it nothing that is written could be read again."""
        self.__pydantic_fields_set__.add(self.tag)

    @property
    def keras_name(self) -> str:
        """The name of the Keras class that this describes."""
        return str(getattr(self, self.tag))

    def arguments(self) -> dict[str, Any]:
        """What the Keras class is called with: the fields' own values, without the tag."""
        return {
            field: getattr(self, field) for field in type(self).model_fields if field != self.tag
        }


@cache
def snake_case(name: str) -> str:
    """Spell a class name as Keras spells it in lower case: "L1L2" is "l1_l2"."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def tag_of(member: type[Tagged]) -> str:
    """Return the value of a member's tag: its Keras class name."""
    return str(member.model_fields[member.tag].default)


def spellings(members: Iterable[type[Tagged]]) -> dict[str, Fields]:
    """Map each member's name in lower case, then in Keras's capitals, to its fields."""
    tags = [(member.tag, tag_of(member)) for member in members]
    lower = {snake_case(value): {tag: value} for tag, value in tags}
    return {**lower, **{value: {tag: value} for tag, value in tags}}


@dataclass(frozen=True, eq=False)
class ByName:
    """Metadata for Annotated: reads a string as the object it names, and writes it back so.

    Attributes:
        tag: the field that tells the union's members apart.
        names: what may be written, with the fields it stands for. Where several names stand for
            the same fields, the first is the one that is written back.
        otherwise: the member that an object without a tag is read as; None: it is refused.
        write_back: whether a spec that is read back shows the name where the name says all.
    """

    tag: str
    names: Mapping[str, Fields]
    otherwise: str | None = None
    write_back: bool = True

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self._expand,
            handler(source),
            serialization=core_schema.wrap_serializer_function_ser_schema(self._shorten),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        inner = handler(schema)
        return {"anyOf": [{"type": "string", "enum": list(self.names)}, inner]}

    def _expand(self, value: object) -> object:
        """An unknown name becomes an unknown tag, so that one message lists what is allowed."""
        if isinstance(value, str):
            return self.names.get(value, {self.tag: value})
        if self.otherwise is not None and isinstance(value, dict):
            return {self.tag: self.otherwise, **value}
        return value

    def _shorten(
        self, value: BaseModel, write: core_schema.SerializerFunctionWrapHandler
    ) -> object:
        if not self.write_back:
            return write(value)
        own = {self.tag: getattr(value, self.tag), **value.model_dump(exclude_defaults=True)}
        return next((name for name, fields in self.names.items() if fields == own), write(value))
