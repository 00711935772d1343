"""The fields that a create or an update takes: checked by name before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class Writable(TypedDict, total=False):
    """What every create and update takes."""

    extra: Mapping[str, object]
    """Fields that this library does not know, sent as they are."""


class Creatable(Writable, total=False):
    """What every create takes."""

    idempotency_key: str
    """Marks all that you send for one record. Only where the server honours it (`Dialect.idempotency_header`); made
    up when left out."""


def names_problem(kind: type[Mapping[str, object]], fields: Mapping[str, object]) -> str | None:
    """What is wrong with the names of the fields of a `TypedDict`, for the caller; None: nothing."""
    needed: frozenset[str] = kind.__dict__["__required_keys__"]
    known: frozenset[str] = needed | kind.__dict__["__optional_keys__"]
    if unknown := sorted(fields.keys() - known):
        return (
            f"{kind.__name__} has no field {unknown[0]!r}; there are {', '.join(sorted(known))}. What this library "
            "does not know goes into extra={...}."
        )
    if missing := sorted(needed - fields.keys()):
        return f"{kind.__name__} needs {', '.join(missing)}."
    return None
