"""Records and arguments as JSON."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final, TypeAlias, cast

import attrs

from setsmart_async.records.converter import fast_converter
from setsmart_async.records.money import MoneyForm, pack_amounts, write_amount
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.wire import Json, JsonObject

Writer: TypeAlias = Callable[[Any, MoneyForm], Json]


_AS_THEY_ARE: Final = frozenset({str, int, bool, type(None)})


def write(value: object, form: MoneyForm) -> Json:
    """A value as JSON, by what it is. Raises `ValueError` for what JSON has no form for."""
    kind = type(value)
    return cast(Json, value) if kind in _AS_THEY_ARE else _writer_of(cast(Hashable, kind))(value, form)


def write_record(record: object, form: MoneyForm) -> JsonObject:
    """A record's fields: those that are None left out, `extra` put back."""
    names = _names_of(cast(Hashable, type(record)))
    written = write_fields({name: value for name in names if (value := getattr(record, name)) is not None}, form)
    extra: JsonObject | None = getattr(record, "extra", None)
    return {**extra, **written} if extra else written


def write_fields(fields: Mapping[str, object], form: MoneyForm) -> JsonObject:
    """Fields by name; in the money form ``object`` the currency moves inside the amounts."""
    written = {name: write(value, form) for name, value in fields.items()}
    if form != "object":
        return written
    return pack_amounts(written, [name for name, value in fields.items() if isinstance(value, Decimal)])


@functools.cache
def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attrs.fields(kind) if attribute.name != "extra")


@functools.cache
def _writer_of(kind: type) -> Writer:
    """The first writer that fits the class; what none fits is left to cattrs."""
    if attrs.has(kind):
        return write_record
    return next((writer for base, writer in _WRITERS if issubclass(kind, base)), _write_other)


def _write_number(value: float, _: MoneyForm) -> float | int:
    if not math.isfinite(value):
        raise ValueError("A number must be finite: JSON has no form for NaN and infinity.")
    return int(value) if value == int(value) else value


def _write_instant(value: datetime, _: MoneyForm) -> str:
    if value.tzinfo is None:
        raise ValueError("A time must carry its time zone: use datetime(..., tzinfo=UTC).")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _write_list(value: Iterable[object], form: MoneyForm) -> list[Json]:
    return [write(item, form) for item in value]


def _write_other(value: object, _: MoneyForm) -> Json:
    return cast(Json, fast_converter().unstructure(value))


_WRITERS: Final[tuple[tuple[type, Writer], ...]] = (
    (OpenEnum, lambda value, _: value.raw),
    (Enum, lambda value, form: write(value.value, form)),
    (str, lambda value, _: str.__str__(value)),
    (float, _write_number),
    (Decimal, write_amount),
    (datetime, _write_instant),
    (date, lambda value, _: value.isoformat()),
    (Mapping, write_fields),
    (list, _write_list),
    (tuple, _write_list),
    (set, _write_list),
    (frozenset, _write_list),
)
