"""The fields of a resource as options: out of its `TypedDict`s and its record's docstrings, not written twice."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from types import NoneType, UnionType
from typing import Annotated, Final, Union, cast, get_args, get_origin, get_type_hints

import attrs
from cyclopts import Group, Parameter

from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.records.codec import decode_record
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.unset import UNSET
from setsmart_async.wire import Json

FIELDS_GROUP: Final = Group("Fields", sort_key=1)

_METAVARS: Final[Mapping[type, str]] = {
    str: "TEXT", int: "NUMBER", float: "NUMBER", date: "DAY", datetime: "TIME", Decimal: "AMOUNT",
}  # fmt: skip
_EXAMPLES: Final[Mapping[type, str]] = {
    date: "a day such as 2026-12-24",
    datetime: "a time with its zone, such as 2026-12-24T15:00:00Z",
    Decimal: "an amount such as 1850.00",
}
_ZONED: Final = re.compile(r"[0-9](?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$")
_MARKUP: Final = re.compile(r"\*Provisional\.?\*\.?|``?|\*\*")


@attrs.frozen(kw_only=True)
class Field:
    """One field that a command takes."""

    name: str
    """As the API has it, with a dot into a record inside: ``guest.email``."""
    kind: type[object]
    """What its value is; of a list, what is in it."""
    is_list: bool = False
    is_needed: bool = False
    is_clearable: bool = False
    """Whether None is a value: it clears the field."""
    help: str = ""

    @property
    def parameter_name(self) -> str:
        """Its name among the parameters of a Python function."""
        return self.name.replace(".", "__")

    @property
    def option(self) -> str:
        """Its name at the command line."""
        return f"--{self.name.replace('_', '-')}"

    def parameter(self, group: Group = FIELDS_GROUP, *, needed: bool = False) -> inspect.Parameter:
        """The parameter of a command that takes it. Days, times and amounts are texts until `value_of` reads them."""
        kind: object = self.kind if self.kind in (str, int, float, bool) else str
        hint = list[str] if self.is_list else kind
        details = Parameter(
            name=self.option,
            help=self.help,
            group=group,
            metavar=None if self.kind is bool else _METAVARS.get(self.kind, "TEXT"),
            show_default=False,
            required=needed,
            negative=None if self.kind is bool else (),
        )
        return inspect.Parameter(
            self.parameter_name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if needed else None,
            annotation=Annotated[hint if needed else hint | None, details],  # type: ignore[operator]  # made at run time
        )

    def value_of(self, given: object) -> object:
        """The value that the library takes. Raises `ConfigurationError`, which does not quote it."""
        if self.is_list or self.kind not in _EXAMPLES:
            return given
        try:
            if self.kind is not datetime or _ZONED.search(str(given)):
                return decode_record(self.kind, cast(Json, given))
        except InvalidResponseError:
            pass  # raised below, in words for the command line
        raise ConfigurationError(f"{self.option} is {_EXAMPLES[self.kind]}.")


def fields_of(kind: type[Mapping[str, object]], record: type) -> tuple[Field, ...]:
    """The fields of a `TypedDict` of a create or update, explained by the record that they make."""
    needed: frozenset[str] = kind.__dict__["__required_keys__"]
    texts = described(record)
    found: list[Field] = []
    for name, hint in get_type_hints(kind).items():
        if name not in ("extra", "idempotency_key"):
            found.extend(_fields(name, hint, texts.get(name, ""), is_needed=name in needed))
    return tuple(found)


def fields_of_record(record: type[attrs.AttrsInstance]) -> tuple[Field, ...]:
    """The fields of an attrs class; those without a default are needed."""
    hints, texts = get_type_hints(record), described(record)
    found: list[Field] = []
    for attribute in attrs.fields(record):
        if attribute.name != "extra":
            is_needed = attribute.default is attrs.NOTHING
            found.extend(
                _fields(attribute.name, hints[attribute.name], texts.get(attribute.name, ""), is_needed=is_needed)
            )
    return tuple(found)


def fields_of_method(method: Callable[..., object], texts: Mapping[str, str]) -> tuple[Field, ...]:
    """The named parameters of a method, those of paging left out, explained by these texts."""
    hints = get_type_hints(method)
    return tuple(
        field
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name not in ("page_size", "cursor")
        for field in _fields(name, hints[name], texts.get(name, ""), is_needed=parameter.default is parameter.empty)
    )


def _fields(name: str, hint: object, text: str, *, is_needed: bool) -> list[Field]:
    members = get_args(hint) if _is_union(hint) else (hint,)
    kinds = [member for member in members if member is not NoneType and get_args(member) != (UNSET,)]
    kind = kinds[0]
    if get_origin(kind) is not None:  # a sequence of texts is the only other kind
        return [Field(name=name, kind=str, is_list=True, is_needed=is_needed, help=text)]
    assert isinstance(kind, type)  # noqa: S101 - what get_type_hints gives for a name
    if attrs.has(kind):
        inner = [attrs.evolve(field, is_needed=False) for field in fields_of_record(kind)]
        return [attrs.evolve(field, name=f"{name}.{field.name}") for field in inner]
    return [Field(name=name, kind=kind, is_needed=is_needed, is_clearable=NoneType in members, help=text)]


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, UnionType)


@functools.cache
def described(record: type) -> Mapping[str, str]:
    """What the docstrings under a class's fields say, without markup; empty where there is no source to read."""
    module = sys.modules[record.__module__]
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, TypeError):
        return {}
    texts: dict[str, str] = {}
    bodies = [node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == record.__name__]
    for field, below in pairwise(bodies[0]):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                texts[name] = without_markup(text)
            case _:
                pass
    return {name: _known_values(record, name) or text for name, text in texts.items()}


def without_markup(text: str) -> str:
    """A docstring's text for a terminal."""
    plain = " ".join(_MARKUP.sub("", text).split()).replace("`", "")
    return "Its id." if plain == "Opaque." else plain


def _known_values(record: type, name: str) -> str:
    """What is known of an open enumeration, which tells more than its docstring; empty for any other field."""
    hint = get_type_hints(record).get(name)
    for member in get_args(hint) or (hint,):
        if isinstance(member, type) and issubclass(member, OpenEnum):
            return f"Known: {', '.join(sorted(member.members))}; any other is sent as it is."
    return ""
