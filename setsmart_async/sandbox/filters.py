"""The filters of lists: from a query parameter to which records it lets through. All of them are provisional."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.sandbox.answers import FieldProblem
from setsmart_async.sandbox.checks import as_day, member_of
from setsmart_async.sandbox.store import Matches

Filter = Callable[[str, str], Matches | FieldProblem]
"""From a parameter's name and text to what it lets through, or what is wrong with it."""


def equals(field: str) -> Filter:
    """Records whose field is this text."""
    return lambda _, text: lambda record: record.get(field) == text


def is_member(field: str, kind: type[OpenEnum]) -> Filter:
    """Records whose field is this member of an enumeration."""
    check = member_of(kind)

    def read(name: str, text: str) -> Matches | FieldProblem:
        return check(name, text) or (lambda record: record.get(field) == text)

    return read


def is_true(field: str) -> Filter:
    """Records whose field is true, or is not."""

    def read(name: str, text: str) -> Matches | FieldProblem:
        if text not in ("true", "false"):
            return FieldProblem(name, "must be true or false", "invalid_value")
        return lambda record: bool(record.get(field)) == (text == "true")

    return read


def changed_since(name: str, text: str) -> Matches | FieldProblem:
    """Records whose ``updated_at`` is this moment or later."""
    moment = _moment(text)
    if moment is None or moment.tzinfo is None:
        message = "must be an RFC 3339 time with its offset (a + in it must be percent-encoded)"
        return FieldProblem(name, message, "invalid_value")

    def matches(updated_at: object) -> bool:
        changed = _moment(str(updated_at))
        if changed is not None and changed.tzinfo is None:
            changed = changed.replace(tzinfo=UTC)
        return changed is not None and changed >= moment

    return lambda record: matches(record.get("updated_at"))


def from_day(field: str) -> Filter:
    """Records whose day is this one or later."""
    return _by_day(field, lambda day, limit: day >= limit)


def to_day(field: str) -> Filter:
    """Records whose day is this one or earlier."""
    return _by_day(field, lambda day, limit: day <= limit)


def _by_day(field: str, compare: Callable[[str, str], bool]) -> Filter:
    def read(name: str, text: str) -> Matches | FieldProblem:
        if as_day(text) is None:
            return FieldProblem(name, "must be a date such as 2026-12-24", "invalid_value")
        return lambda record: isinstance(day := record.get(field), str) and compare(day, text)

    return read


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
