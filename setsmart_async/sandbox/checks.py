"""What the sandbox accepts in a body: one check per field, and what a record needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Final
from zoneinfo import available_timezones

import attrs

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.sandbox.answers import FieldProblem, RefusedError, invalid
from setsmart_async.wire import Json, JsonObject, decode_json

Check = Callable[[str, Json], FieldProblem | None]
"""From a field's name and value, null excepted, to what is wrong with it."""

_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_AMOUNT: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@attrs.frozen(kw_only=True)
class Shape:
    """What a record of one kind may hold. Unknown fields may hold anything."""

    checks: Mapping[str, Check]
    required: Sequence[str] = ()
    """Without which none is created."""
    required_on_replace: Sequence[str] = ()
    """Without which none is replaced: a record that was read may lack the rest, and can be sent back whole."""
    never_null: frozenset[str] = frozenset()

    def check_create(self, fields: JsonObject) -> None:
        """Raise `RefusedError` (400) unless the fields make a record."""
        missing = [required(name) for name in self.required if fields.get(name) is None]
        given = {name: value for name, value in fields.items() if value is not None}
        refuse([*missing, *self.problems(given)])

    def check_update(self, fields: JsonObject, *, replaces: bool) -> None:
        """Raise `RefusedError` (400) unless the fields can change a record, or with `replaces` stand in its place."""
        missing = [name for name in self.required_on_replace if replaces and name not in fields]
        nulls = [name for name, value in fields.items() if value is None and name in self.never_null]
        refuse([*(required(name) for name in (*missing, *nulls)), *self.problems(fields)])

    def problems(self, fields: Mapping[str, Json]) -> list[FieldProblem]:
        """What is wrong with the fields that are not null."""
        checks = self.checks
        found = [checks[name](name, value) for name, value in fields.items() if value is not None and name in checks]
        return [problem for problem in found if problem is not None]


def read_object(body: bytes | None) -> JsonObject:
    """A request's JSON object. Raises `RefusedError` (400) for anything else."""
    try:
        value = decode_json(body or b"")
    except InvalidResponseError:
        raise RefusedError(400, "invalid_json", "The request's body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "invalid_json", "The request's body must be a JSON object.")
    return value


def refuse(problems: Sequence[FieldProblem]) -> None:
    """Raise `RefusedError` (400) when there is a problem."""
    if problems:
        raise invalid(problems)


def required(field: str) -> FieldProblem:
    """The problem of a field that is missing."""
    return FieldProblem(field, "is required", "required")


def text(most: int = 255) -> Check:
    """A text with something in it."""

    def check(field: str, value: Json) -> FieldProblem | None:
        if not isinstance(value, str):
            return FieldProblem(field, "must be a text", "invalid_type")
        if not value.strip() or len(value) > most:
            return FieldProblem(field, f"must have 1 to {most} characters", "invalid_value")
        return None

    return check


def whole_number(least: int) -> Check:
    """A whole number, so much or more."""

    def check(field: str, value: Json) -> FieldProblem | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return FieldProblem(field, "must be a whole number", "invalid_type")
        return None if value >= least else FieldProblem(field, f"must be {least} or more", "invalid_value")

    return check


def number(field: str, value: Json) -> FieldProblem | None:
    """A number, 0 or more."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return FieldProblem(field, "must be a number", "invalid_type")
    return None if value >= 0 else FieldProblem(field, "must be 0 or more", "invalid_value")


def boolean(field: str, value: Json) -> FieldProblem | None:
    """True or false."""
    return None if isinstance(value, bool) else FieldProblem(field, "must be true or false", "invalid_type")


def member_of(kind: type[OpenEnum]) -> Check:
    """A text that the enumeration knows."""

    def check(field: str, value: Json) -> FieldProblem | None:
        if not isinstance(value, str):
            return FieldProblem(field, "must be a text", "invalid_type")
        if value in kind.members:
            return None
        return FieldProblem(field, f"must be one of {', '.join(sorted(kind.members))}", "invalid_value")

    return check


def currency(field: str, value: Json) -> FieldProblem | None:
    """Three capital letters."""
    if not isinstance(value, str):
        return FieldProblem(field, "must be a text", "invalid_type")
    return None if _CURRENCY.fullmatch(value) else FieldProblem(field, "must be an ISO 4217 code", "invalid_value")


def amount(field: str, value: Json) -> FieldProblem | None:
    """A decimal text, 0 or more."""
    if not isinstance(value, str):
        return FieldProblem(field, "must be an amount", "invalid_type")
    if _AMOUNT.fullmatch(value):
        return None
    return FieldProblem(field, 'must be a decimal amount such as "185.00", 0 or more', "invalid_value")


def day(field: str, value: Json) -> FieldProblem | None:
    """A date without a time."""
    if not isinstance(value, str):
        return FieldProblem(field, "must be a date", "invalid_type")
    return None if as_day(value) else FieldProblem(field, "must be a date such as 2026-12-24", "invalid_value")


def as_day(value: Json) -> date | None:
    """The date of a text; None: it is none."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def timezone(field: str, value: Json) -> FieldProblem | None:
    """The name of a time zone."""
    if (problem := text()(field, value)) is not None:
        return problem
    if value in _known_zones() or (not _known_zones() and _ZONE.fullmatch(str(value))):
        return None
    return FieldProblem(field, "must be an IANA time zone such as Europe/Oslo", "invalid_value")


@cache
def _known_zones() -> frozenset[str]:
    """Empty on a machine that has no time zone database."""
    return frozenset(available_timezones())


def object_of(shape: Shape) -> Check:
    """An object; its own fields are checked with the same rules."""

    def check(field: str, value: Json) -> FieldProblem | None:
        if not isinstance(value, dict):
            return FieldProblem(field, "must be an object", "invalid_type")
        inner = shape.problems(value)
        return FieldProblem(f"{field}.{inner[0].field}", inner[0].message, inner[0].code) if inner else None

    return check
