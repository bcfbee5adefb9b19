"""Small specs to POST; a test changes the one thing that it is about."""

from typing import Any

DENSE: dict[str, Any] = {"layer": "Dense", "units": 10, "activation": "relu"}


def on_digits(**parts: Any) -> dict[str, Any]:
    """A training on the built-in digits: 1,797 rows of (8, 8), ten classes."""
    return {"data": {"dataset": "builtin:digits"}, "network": {"layers": [DENSE]}, **parts}


def with_layers(*layers: object, **network: Any) -> dict[str, Any]:
    return on_digits(network={"layers": list(layers), **network})


def inline(rows: int = 10, **parts: Any) -> dict[str, Any]:
    """A training on rows in the request, whose dataset is ready at once."""
    table = {
        "columns": ["size", "weight", "kind"],
        "rows": [[n, n * n, "big" if n % 2 else "small"] for n in range(rows)],
    }
    return {
        "data": {"inline": table, "target": "kind"},
        "network": {"layers": [DENSE]},
        "fit": {"epochs": 5, "batch_size": 2},
        **parts,
    }


def learning_rates(*values: float) -> dict[str, Any]:
    return {"strategy": "learning_rates", "values": list(values)}


def networks(**named: Any) -> dict[str, Any]:
    search = {"strategy": "networks", "networks": named}
    return {"data": {"dataset": "builtin:digits"}, "search": search}


def over(strategy: str = "grid", **search: Any) -> dict[str, Any]:
    """A search over spec paths; their dots are written as double underscores."""
    paths = {key.replace("__", "."): value for key, value in search.pop("over", {}).items()}
    return on_digits(search={"strategy": strategy, "over": paths, **search})


def grid(**paths: Any) -> dict[str, Any]:
    return over(over=paths)
