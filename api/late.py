"""Modules that most requests do without, loaded by the first request that needs them.

The readers of data (polars, NumPy) and the migrations (Alembic) are a third of what the API process
would load, and it has to answer a second after it was started.
"""

from importlib import import_module
from types import ModuleType
from typing import Any


class Late(ModuleType):
    """Stands for a module and loads it when one of its names is asked for.

    The standard library's LazyLoader does the same, but before 3.12.3 not for several threads.
    """

    def __getattr__(self, name: str) -> Any:
        """The real module's attribute."""
        return getattr(import_module(self.__name__), name)
