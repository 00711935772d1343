"""Reading and writing records.

Three rules that stock cattrs does not keep: nothing is coerced (``null`` is no ``"None"``, ``3.7`` no 3); unknown
fields are kept in `extra`; and reading is fast first, by code made for the class (see `generated_reader`), detailed
only when that failed, so that an error names each wrong field by its path (``$.data[3].bedrooms``) and quotes no value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import attrs

from setsmart_async.errors import InvalidResponseError
from setsmart_async.records.body_reader import ReadBody
from setsmart_async.records.converter import body_reader, detailed_converter, record_reader
from setsmart_async.records.mismatch import WRONG, problems
from setsmart_async.records.money import MoneyForm
from setsmart_async.records.writer import write, write_record
from setsmart_async.wire import Json, JsonObject

T = TypeVar("T")


def decode_record(kind: type[T], value: Json, path: str = "$") -> T:
    """One record out of an answer's JSON. `path` says where in the answer `value` stands.

    Raises `InvalidResponseError`, which names every wrong field.
    """
    try:
        record = cast(T, record_reader(kind)(value, kind))
    except WRONG:
        pass  # raised below, so that the error does not carry this one, which may quote a value
    else:
        return record
    raise _explained(kind, value, path)


def decode_records(kind: type[T], values: Sequence[Json], path: str = "$") -> list[T]:
    """A page's records. Raises `InvalidResponseError`, which names every wrong field of every item."""
    try:
        read = record_reader(kind)
        records = [cast(T, read(value, kind)) for value in values]
    except WRONG:
        pass  # as in `decode_record`
    else:
        return records
    raise _explained(list[kind], values, path)  # type: ignore[valid-type]  # a type made at run time


def decode_body(kind: type, body: bytes, keys: Sequence[str]) -> ReadBody | None:
    """A whole body with a list of records, the fastest way; see `BodyReader.read`.

    None where only `decode_records` can tell: what is unusual, what is wrong, and classes that need cattrs.
    """
    reader = body_reader(kind)
    return None if reader is None else reader.read(body, keys)


def encode_record(record: attrs.AttrsInstance, money: MoneyForm = "string") -> JsonObject:
    """A record as the JSON object the server would send: fields that are None left out, `extra` put back.

    `money` is the form of its amounts. Raises `ValueError` for what JSON has no form for.
    """
    return write_record(record, money)


def encode_value(value: object, money: MoneyForm = "string") -> Json:
    """One argument of a create or update (a number, a text, a time, a record, a mapping of fields) as JSON.

    `money` is the form of the amounts in it. Raises `ValueError` for what JSON has no form for.
    """
    return write(value, money)


def _explained(kind: type, value: object, path: str) -> InvalidResponseError:
    try:
        detailed_converter().structure(value, kind)
    except WRONG as fault:
        found = tuple(problems(fault, path))
    else:  # pragma: no cover - both readers keep the same rules
        found = ((path, "unreadable"),)
    return InvalidResponseError(*found[0], problems=found)
