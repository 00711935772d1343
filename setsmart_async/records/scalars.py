"""Strict readers of single values: nothing is coerced, so that ``null`` is no ``"None"`` and ``3.7`` no 3.

Each takes the value and, as cattrs calls it, the type it is read as. Each raises `MismatchError`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import Enum

import msgspec

from setsmart_async.records.mismatch import MismatchError
from setsmart_async.records.open_enum import OpenEnum


def read_text(value: object, _: object = None) -> str:
    """A text."""
    if type(value) is str:
        return value
    raise MismatchError("a text", value)


def read_integer(value: object, _: object = None) -> int:
    """An integer; ``3.0`` is one."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise MismatchError("an integer", value)


def read_number(value: object, _: object = None) -> float:
    """A number that a float can hold."""
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError:
            pass  # raised below
    raise MismatchError("a number", value)


def read_boolean(value: object, _: object = None) -> bool:
    """True or false, and nothing that stands for them."""
    if type(value) is bool:
        return value
    raise MismatchError("a boolean", value)


def read_instant(value: object, _: object = None) -> datetime:
    """RFC 3339, in UTC, rounded to microseconds; a time without an offset is taken as UTC.

    (Provisional: SetSmart documents no time.) Other forms of ISO 8601 are read as well as Python reads them.
    """
    if type(value) is not str or len(value) < 16:
        raise MismatchError("an RFC 3339 time", value)
    try:
        return in_utc(msgspec.convert(value, datetime))
    except (msgspec.ValidationError, OverflowError):
        pass  # another form of ISO 8601, or none
    try:
        return in_utc(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise MismatchError("an RFC 3339 time", value) from None


def in_utc(instant: datetime) -> datetime:
    """The same instant in UTC, which is what is meant where no offset is told. Raises `OverflowError`."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def read_day(value: object, _: object = None) -> date:
    """A day as ``YYYY-MM-DD``. A time is none: which day it falls on depends on where one stands."""
    if type(value) is str and len(value) == 10 and value[4] == value[7] == "-":
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # raised below, without the value
    raise MismatchError("a date as YYYY-MM-DD", value)


def read_open_enum(value: object, kind: type[OpenEnum]) -> OpenEnum:
    """Any text, known or not."""
    return kind(read_text(value))


def read_enum(value: object, kind: type[Enum]) -> Enum:
    """A closed enumeration: one of its values, of the same type (True is no 1)."""
    for member in kind:
        if type(member.value) is type(value) and member.value == value:
            return member
    raise MismatchError(f"one of {kind.__name__}'s values", value)
