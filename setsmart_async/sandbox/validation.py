"""What the sandbox accepts as a property."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.property import PropertyStatus
from setsmart_async.sandbox.answers import FieldProblem, RefusedError, invalid
from setsmart_async.wire import Json, JsonObject, decode_json

_LONGEST_TEXT: Final = 255
_CURRENCY: Final = re.compile(r"[A-Z]{3}")

# What the documented example shows; whether the real API insists on each of them is not documented.
_REQUIRED_ON_CREATE: Final = ("name", "address", "bedrooms", "bathrooms", "max_guests")
# A record that was read may lack the rest, and can be sent back whole.
_REQUIRED_ON_REPLACE: Final = ("name", "address")
_NEVER_NULL: Final = frozenset({"name", "address", "status"})

_Check = Callable[[str, Json], FieldProblem | None]


def read_object(body: bytes | None) -> JsonObject:
    """A request's JSON object. Raises `RefusedError` (400) for anything else."""
    try:
        value = decode_json(body or b"")
    except InvalidResponseError:
        raise RefusedError(400, "invalid_json", "The request's body is not valid JSON.") from None
    if not isinstance(value, dict):
        raise RefusedError(400, "invalid_json", "The request's body must be a JSON object.")
    return value


def check_create(fields: JsonObject) -> None:
    """Raise `RefusedError` (400) unless the fields make a property. Unknown fields may hold anything."""
    _refuse(
        [
            *(_required(name) for name in _REQUIRED_ON_CREATE if fields.get(name) is None),
            *_problems({name: value for name, value in fields.items() if value is not None}),
        ]
    )


def check_update(fields: JsonObject, *, replaces: bool) -> None:
    """Raise `RefusedError` (400) unless the fields can change a property, or with `replaces` stand in its place.

    Null clears a field, but neither name nor address nor status.
    """
    missing = [name for name in _REQUIRED_ON_REPLACE if replaces and name not in fields]
    nulls = [name for name, value in fields.items() if value is None and name in _NEVER_NULL]
    _refuse([*(_required(name) for name in (*missing, *nulls)), *_problems(fields)])


def _refuse(problems: list[FieldProblem]) -> None:
    if problems:
        raise invalid(problems)


def _problems(fields: JsonObject) -> list[FieldProblem]:
    checked = [_CHECKS[name](name, value) for name, value in fields.items() if value is not None and name in _CHECKS]
    return [problem for problem in checked if problem is not None]


def _required(field: str) -> FieldProblem:
    return FieldProblem(field, "is required", "required")


def _text(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, str):
        return FieldProblem(field, "must be a text", "invalid_type")
    if not value.strip() or len(value) > _LONGEST_TEXT:
        return FieldProblem(field, f"must have 1 to {_LONGEST_TEXT} characters", "invalid_value")
    return None


def _whole_number(least: int) -> _Check:
    def check(field: str, value: Json) -> FieldProblem | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return FieldProblem(field, "must be a whole number", "invalid_type")
        return None if value >= least else FieldProblem(field, f"must be {least} or more", "invalid_value")

    return check


def _number(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return FieldProblem(field, "must be a number", "invalid_type")
    return None if value >= 0 else FieldProblem(field, "must be 0 or more", "invalid_value")


def _status(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, str):
        return FieldProblem(field, "must be a text", "invalid_type")
    return status_problem(field, value)


def status_problem(field: str, value: str) -> FieldProblem | None:
    """What is wrong with a status, in a body or in a query; None: nothing."""
    if value in PropertyStatus.members:
        return None
    return FieldProblem(field, f"must be one of {', '.join(sorted(PropertyStatus.members))}", "invalid_value")


def _currency(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, str):
        return FieldProblem(field, "must be a text", "invalid_type")
    return None if _CURRENCY.fullmatch(value) else FieldProblem(field, "must be an ISO 4217 code", "invalid_value")


_CHECKS: Final[Mapping[str, _Check]] = {
    "name": _text,
    "address": _text,
    "bedrooms": _whole_number(0),
    "bathrooms": _number,
    "max_guests": _whole_number(1),
    "status": _status,
    "timezone": _text,
    "currency": _currency,
}
