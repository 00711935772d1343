"""The body of a create or an update: from ``--input``, ``-F`` and the options of its fields, the last one counts."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, cast

from cyclopts import Group, Parameter

from setsmart_async.cli.fields import Field
from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.wire import Json, JsonObject, decode_json

BODY_GROUP: Final = Group("Body", sort_key=2)
InputOption = Annotated[
    str | None,
    Parameter(
        name="--input",
        metavar="FILE",
        allow_leading_hyphen=True,
        group=BODY_GROUP,
        help="A JSON object with the fields (for calendar update also an array of them); - reads stdin. "
        "Options go before it.",
    ),
]
ExtraOption = Annotated[
    list[str] | None,
    Parameter(
        name=("--extra", "-F"),
        metavar="NAME=VALUE",
        group=BODY_GROUP,
        negative=(),
        help="A field that this version does not know. Numbers, true, false and null are read as such.",
    ),
]
ClearOption = Annotated[
    str | None,
    Parameter(name="--clear", metavar="A,B", group=BODY_GROUP, help="Fields to empty: they are sent as null."),
]


def read_json(place: str) -> Json:
    """The JSON in a file, or on stdin for ``-``. Raises `ConfigurationError`, which quotes nothing of it."""
    try:
        content = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
    except OSError as fault:
        raise ConfigurationError(f"--input can not be read ({fault.strerror}).") from None
    try:
        return decode_json(content)
    except InvalidResponseError:
        pass  # raised below, in words for the command line
    raise ConfigurationError("--input holds no JSON: is it complete, and in UTF-8?")


def read_object(place: str | None) -> JsonObject:
    """The JSON object in a file; empty when there is no file. Raises `ConfigurationError`."""
    found = {} if place is None else read_json(place)
    if not isinstance(found, dict):
        raise ConfigurationError("--input must hold a JSON object, {...}.")
    return found


def typed_pairs(pairs: Sequence[str] | None, option: str = "-F") -> JsonObject:
    """``name=value`` texts: numbers, true, false, null, objects and arrays as JSON reads them, the rest as text.

    Raises `ConfigurationError`, which quotes no value.
    """
    return {name: _typed(value) for name, value in _parted(pairs, option)}


def text_pairs(pairs: Sequence[str] | None, option: str) -> dict[str, str]:
    """``name=value`` texts, the values as they are. Raises `ConfigurationError`, which quotes no value."""
    return dict(_parted(pairs, option))


def body_fields(
    fields: Sequence[Field],
    options: Mapping[str, object],
    *,
    place: str | None,
    extra: Sequence[str] | None,
    clear: str | None = None,
) -> dict[str, object]:
    """What create and update of the library take. Raises `ConfigurationError` for what can not be meant."""
    known = {field.name.partition(".")[0] for field in fields}
    given = read_object(place)
    unknown: dict[str, object] = {name: value for name, value in given.items() if name not in known}
    unknown.update(typed_pairs(extra))
    if wrong := sorted(unknown.keys() & known):
        raise ConfigurationError(f"-F is for fields without an option: use --{wrong[0].replace('_', '-')}.")
    body: dict[str, object] = {name: value for name, value in given.items() if name in known}
    body.update(
        {field.name: field.value_of(given[field.name]) for field in fields if given.get(field.name) is not None}
    )
    for name in _cleared(fields, clear):
        body[name] = None
    for field in fields:
        value = options.get(field.parameter_name)
        if value is not None:
            _put(body, field, field.value_of(value))
    return {**body, "extra": unknown} if unknown else body


def _put(body: dict[str, object], field: Field, value: object) -> None:
    outer, _, inner = field.name.partition(".")
    if inner:
        nested = body.get(outer)
        body[outer] = {**(cast("JsonObject", nested) if isinstance(nested, dict) else {}), inner: value}
    else:
        body[outer] = value


def _cleared(fields: Sequence[Field], clear: str | None) -> list[str]:
    names = [name.strip().replace("-", "_") for name in (clear or "").split(",") if name.strip()]
    clearable = {field.name.partition(".")[0] for field in fields if field.is_clearable or "." in field.name}
    if wrong := [name for name in names if name not in clearable]:
        raise ConfigurationError(f"--clear {wrong[0]}: there are {', '.join(sorted(clearable))}.")
    return names


def _parted(pairs: Sequence[str] | None, option: str) -> list[tuple[str, str]]:
    parted: list[tuple[str, str]] = []
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"{option} is written NAME=VALUE.")
        parted.append((name, value))
    return parted


def _typed(text: str) -> Json:
    if text[:1] in ("{", "[") or text in ("true", "false", "null") or text.lstrip("-")[:1].isdigit():
        try:
            return decode_json(text.encode())
        except InvalidResponseError:
            return text
    return text
