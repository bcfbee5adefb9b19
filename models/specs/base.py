"""What every part of a spec has in common: frozen, strict about names, finite numbers only."""

from pydantic import BaseModel, ConfigDict


class Spec(BaseModel):
    """A part of an experiment spec, as a client writes it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        use_attribute_docstrings=True,
    )
