"""`UNSET`: "not passed", which is not the same as `None` ("clear the field")."""

from enum import Enum
from typing import Final, Literal, TypeAlias


class _Unset(Enum):
    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = _Unset.UNSET
"""The default of every optional argument of `create` and `update`: the field is left out of the request."""

Unset: TypeAlias = Literal[_Unset.UNSET]
"""The type of `UNSET`."""
