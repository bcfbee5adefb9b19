"""Reads docker-compose.yml as Docker does, as far as our file goes: variables filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).parents[2] / "docker-compose.yml"

# ${NAME}, ${NAME:-default}, ${NAME:?what to do}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class VariableMissing(Exception):
    """A variable without a default is not set."""


@dataclass(frozen=True)
class Service:
    """What one service of the file runs."""

    command: list[str]
    environment: dict[str, str]
    healthcheck: list[str]


def read(variables: Mapping[str, str]) -> dict[str, Any]:
    """The whole file with its anchors merged and its variables filled in.

    Raises:
        VariableMissing: one that the file asks for is not given.
    """

    def fill(match: re.Match[str]) -> str:
        if value := variables.get(match["name"]):
            return value
        if match["kind"] == "-":
            return match["rest"]
        raise VariableMissing(match["name"])

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return _VARIABLE.sub(fill, value) if isinstance(value, str) else value

    return dict(filled(yaml.safe_load(PATH.read_text())))


def services(variables: Mapping[str, str]) -> dict[str, Service]:
    """The services that have a command of their own."""
    return {
        name: Service(
            service["command"],
            service.get("environment", {}),
            service.get("healthcheck", {}).get("test", []),
        )
        for name, service in read(variables)["services"].items()
        if "command" in service
    }
