"""Fields of a record by name, into nested ones with a dot: ``guest.email``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args, get_type_hints

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import Json, JsonObject, encode_json


def field_names(text: str) -> tuple[str, ...]:
    """The names in ``--fields a,b.c``. Raises `ConfigurationError` for none."""
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise ConfigurationError("--fields is a list of names such as id,name,status.")
    return names


def value_at(record: Mapping[str, Json], name: str) -> Json:
    """The value of a field, by its name; None when it is not there."""
    value: Json = record.get(name)
    if value is None and "." in name:
        first, _, rest = name.partition(".")
        inner = record.get(first)
        return value_at(inner, rest) if isinstance(inner, dict) else None
    return value


def selected(record: JsonObject, names: Sequence[str]) -> JsonObject:
    """The record with these fields alone, in this order; one that it does not have is null."""
    return {name: value_at(record, name) for name in names}


def as_text(value: Json) -> str:
    """A value in a cell: a text as it is, nothing for null, JSON for what has parts."""
    if value is None:
        return ""
    return value if isinstance(value, str) else encode_json(value).decode()


def all_fields(kind: type[attrs.AttrsInstance]) -> tuple[str, ...]:
    """Every field of a record's class that this version knows; of a record inside it, each of its fields."""
    names: list[str] = []
    hints = get_type_hints(kind)
    for attribute in attrs.fields(kind):
        if attribute.name == "extra":
            continue
        nested = next((each for each in _members(hints[attribute.name]) if attrs.has(each)), None)
        inner = () if nested is None else all_fields(nested)
        names.extend([f"{attribute.name}.{name}" for name in inner] or [attribute.name])
    return tuple(names)


def _members(hint: object) -> Iterable[type]:
    """A union's classes, or the one class; a list of records is no record."""
    return (member for member in get_args(hint) or (hint,) if isinstance(member, type))
