"""`extra`: where a record keeps the fields that this version does not know."""

from collections.abc import Callable
from typing import Final

no_extra: Final[Callable[[], dict[str, object]]] = dict
"""The default of a record's `extra`: an empty dict of its own."""
