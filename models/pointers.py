"""JSON pointers (RFC 6901): how an error says which part of a request it means."""


def pointer(*parts: str | int) -> str:
    """Write a pointer: ("network", "layers", 3) is "/network/layers/3", () the whole body."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)
