"""What is wrong with a value, and where in the answer: never the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cattrs import BaseValidationError, ClassValidationError, IterableValidationError
from cattrs.errors import AttributeValidationNote, IterableValidationNote

WRONG: Final = (
    *(BaseValidationError, TypeError, ValueError, KeyError, OverflowError),
    *(AttributeError, RecursionError),  # of what is no object; of records within records without end
)
"""What reading a value that does not fit may raise."""

_JSON_NAMES: Final[dict[type, str]] = {
    type(None): "null", bool: "a boolean", int: "an integer", float: "a number", str: "a text",
    list: "an array", dict: "an object",
}  # fmt: skip


class MismatchError(TypeError):
    """A value of another JSON type; says which types, never the value."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {_JSON_NAMES.get(type(value), type(value).__name__)}")


def problems(fault: BaseException, path: str) -> Iterator[tuple[str, str]]:
    """Every wrong field that a failed reading names: its path and what is wrong with it."""
    if isinstance(fault, ClassValidationError | IterableValidationError):
        for inner in fault.exceptions:
            place = path
            for note in getattr(inner, "__notes__", ()):
                if isinstance(note, AttributeValidationNote):
                    place = f"{path}.{note.name}"
                elif isinstance(note, IterableValidationNote):
                    place = f"{path}[{note.index}]"
            yield from problems(inner, place)
    elif isinstance(fault, KeyError):
        yield f"{path}.{fault.args[0]}" if not path.endswith(f".{fault.args[0]}") else path, "missing"
    elif isinstance(fault, MismatchError):
        yield path, str(fault)
    else:
        yield path, "unreadable"
