"""From a record's class to typed columns: texts, numbers, money, days and times, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, Protocol, Union, cast, get_args, get_origin, get_type_hints

import attrs
from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, Numeric, Text, TypeDecorator
from sqlalchemy import Date as Day
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from setsmart_async.errors import InvalidResponseError

Value = str | int | float | bool | Decimal | date | datetime | None
"""What a typed column holds."""

_GREATEST: Final = 2**63 - 1
_NO_TEXT: Final = "\0"  # PostgreSQL's texts can not hold it; `raw` does, escaped


class _Bind(Protocol):
    """What turns a value into what the driver takes."""

    def __call__(self, value: datetime | None) -> object: ...


class UtcTime(TypeDecorator[datetime]):
    """An aware time: ``timestamptz`` in PostgreSQL; in SQLite, which knows no time zone, a text in UTC."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = DateTime
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """With a time zone where the database has one."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Towards PostgreSQL: in UTC."""
        return None if value is None else value.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> _Bind | None:
        """Towards SQLite: the text that SQLAlchemy's own type writes, at a fifth of its cost."""
        return super().bind_processor(dialect) if dialect.name == "postgresql" else cast(_Bind, _utc_text)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back: aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@lru_cache(maxsize=256)  # all rows of a transaction share some of their times
def _utc_text(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


class Money(TypeDecorator[Decimal]):
    """An exact amount: ``numeric`` in PostgreSQL; in SQLite, which would make a float of it, a text."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok: bool | None = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A number where the database has exact ones."""
        return dialect.type_descriptor(Numeric() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Towards the database."""
        return value if value is None or dialect.name == "postgresql" else format(value, "f")

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Back."""
        return None if value is None else Decimal(value)


Whole: Final = Integer().with_variant(BigInteger(), "postgresql")
"""A whole number of 64 bits, which SQLite's are anyway."""

_TYPES: Final[Mapping[type, type[TypeEngine[Any]] | TypeEngine[Any]]] = {
    bool: Boolean,
    int: Whole,
    float: Float,
    Decimal: Money,
    date: Day,
    datetime: UtcTime,
}


@attrs.frozen
class Field:
    """One typed column, and where in the record its value stands."""

    name: str
    """The column's: ``guest_email``."""
    path: tuple[str, ...]
    """``("guest", "email")``."""
    kind: type
    required: bool
    """Whether every record has it."""

    def column(self) -> Column[Any]:
        """The column, without a primary key."""
        return Column(self.name, _TYPES.get(self.kind, Text), nullable=not self.required)

    def value(self, record: object) -> Value:
        """The record's value for the column. Raises `InvalidResponseError` for a number that none holds."""
        value: Any = record
        for name in self.path:
            if value is None:
                return None
            value = getattr(value, name)
        if isinstance(value, str):
            return str(value).replace(_NO_TEXT, "\N{REPLACEMENT CHARACTER}")
        if type(value) is int and not -_GREATEST <= value <= _GREATEST:
            raise InvalidResponseError(".".join(self.path), "the number is too great to be stored")
        found: Value = value
        return found


def fields_of(record: type[attrs.AttrsInstance], before: tuple[str, ...] = ()) -> Iterator[Field]:
    """The typed columns of a record's class, in its order; a record inside it gives its own, prefixed.

    A field that the class gains is a column that the table gains: then `tables.LAYOUT` must rise.
    """
    types = get_type_hints(record)
    for attribute in attrs.fields(record):
        kind = types[attribute.name]
        if get_origin(kind) in (Union, UnionType):
            kind = next(each for each in get_args(kind) if each is not NoneType)
        path = (*before, attribute.name)
        if not isinstance(kind, type) or get_origin(kind) is not None:
            continue  # lists and `extra`: in `raw` alone
        is_record: bool = attrs.has(kind)
        if is_record:
            yield from fields_of(kind, path)
        elif kind in _TYPES or issubclass(kind, str):
            required = attribute.default is attrs.NOTHING and not before
            yield Field("_".join(path), path, kind, required)
