"""What a server does differently from the contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

import attrs

from setsmart_async.contract.endpoints import CONTRACT, RECORDS, record_of
from setsmart_async.contract.operation import Operation
from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import is_plain_path

if TYPE_CHECKING:
    from setsmart_async.records.money import MoneyForm

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_TAKEN_HEADERS: Final = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect",
    "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip
_SAME: Final[Mapping[str, str]] = {}


@attrs.frozen(kw_only=True)
class Dialect:
    """What a server does differently from the contract. Every default is what `CONTRACT` says."""

    paths: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Operation name to path template, such as ``{"properties.list": "/homes"}``."""
    fields: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Field to the server's name for it, such as ``{"properties.max_guests": "accommodates"}``. Top-level fields of
    records only."""
    parameters: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Query parameter to the server's name for it, such as ``{"reservations.check_in_from": "arrival_after"}``."""
    api_key_header: str = "X-API-Key"
    """Documented."""
    items_key: str | None = None
    """The list's key in an answer; None: found by the tolerant order (see `policy.paging`)."""
    record_key: str | None = None
    """The record's key in an answer with one record; None: the record itself, as documented, or under ``data``."""
    cursor_parameter: str = "cursor"
    """Query parameter of the next page's token. Provisional."""
    page_parameter: str = "page"
    """Query parameter of a page's number. Provisional."""
    page_size_parameter: str = "limit"
    """Query parameter of the page size. Provisional."""
    calendar_key: str = "days"
    """The key of a calendar push's ranges. Provisional."""
    money: MoneyForm = "string"
    """How amounts are written: ``string``, ``number`` or ``object``. All are read. Provisional."""
    idempotency_header: str | None = None
    """Header that marks a create and its repetitions as one, such as ``Idempotency-Key``; None, the default: the
    server knows no such keys (nothing is documented), and a create whose outcome is unknown is never repeated."""
    rejects_with_503: bool = False
    """Whether a 503 with ``Retry-After`` is the server's word that it did nothing, so that any request may be
    repeated. Not documented."""
    update_style: Literal["merge", "replace"] = "merge"
    """What PUT means to the server (not documented): ``merge`` sends only what was passed, ``replace`` reads the
    record, merges, and sends the whole of it, unknown fields included."""

    def __attrs_post_init__(self) -> None:
        for name, path in self.paths.items():
            _check_path(name, path)
        _check_names("fields", self.fields)
        _check_names("parameters", self.parameters)
        self._check_headers()
        parameters = [self.cursor_parameter, self.page_parameter, self.page_size_parameter]
        if not all(parameters) or len(set(parameters)) != len(parameters):
            raise ConfigurationError(
                "Dialect: cursor_parameter, page_parameter and page_size_parameter must be three different names."
            )
        if set(parameters) & set(self.parameters.values()):
            raise ConfigurationError("Dialect(parameters=...): a filter may not have the name of a paging parameter.")
        for name in ("items_key", "record_key", "calendar_key"):
            if getattr(self, name) == "":
                raise ConfigurationError(f"Dialect({name}=...) must be a key; leave it out for the default.")
        if self.money not in ("string", "number", "object"):
            raise ConfigurationError("Dialect(money=...) is 'string', 'number' or 'object'.")
        if self.update_style not in ("merge", "replace"):
            raise ConfigurationError("Dialect(update_style=...) is 'merge' or 'replace'.")

    def _check_headers(self) -> None:
        names = [name for name in (self.api_key_header, self.idempotency_header) if name is not None]
        for name in names:
            if not _TOKEN.fullmatch(name) or name.lower() in _TAKEN_HEADERS:
                raise ConfigurationError(
                    "Dialect: api_key_header and idempotency_header must be header names that nothing else uses."
                )
        if len({name.lower() for name in names}) != len(names):
            raise ConfigurationError("Dialect: api_key_header and idempotency_header must be two different names.")

    def operation(self, operation: Operation) -> Operation:
        """The operation as this server spells it."""
        path = self.paths.get(operation.name)
        return operation if path is None else attrs.evolve(operation, path=path)

    def field_names(self, resource: str) -> Mapping[str, str]:
        """A resource's fields that the server calls otherwise: ours to the server's."""
        return _of_resource(self.fields, resource)

    def parameter_names(self, resource: str) -> Mapping[str, str]:
        """A resource's query parameters that the server calls otherwise: ours to the server's."""
        return _of_resource(self.parameters, resource)


def _of_resource(names: Mapping[str, str], resource: str) -> Mapping[str, str]:
    if not names:
        return _SAME
    prefix = f"{resource}."
    return {name.removeprefix(prefix): other for name, other in names.items() if name.startswith(prefix)}


def _fields_of(resource: str) -> set[str]:
    return {attribute.name for attribute in attrs.fields(record_of(resource))} - {"extra"}


def _parameters_of(resource: str) -> set[str]:
    return {name for row in CONTRACT.values() if row.resource == resource for name in row.parameters}


def _check_names(setting: Literal["fields", "parameters"], names: Mapping[str, str]) -> None:
    by_resource: dict[str, dict[str, str]] = {}
    for name, other in names.items():
        resource, _, own = name.partition(".")
        if resource not in RECORDS or not other:
            raise ConfigurationError(
                f"Dialect({setting}=...): {name!r} must be 'resource.name' with a name for it; there are "
                f"{', '.join(RECORDS)}."
            )
        by_resource.setdefault(resource, {})[own] = other
    for resource, renamed in by_resource.items():
        known = _fields_of(resource) if setting == "fields" else _parameters_of(resource)
        if unknown := sorted(renamed.keys() - known):
            raise ConfigurationError(
                f"Dialect({setting}=...): {resource} has no {unknown[0]!r}; there are {', '.join(sorted(known))}."
            )
        on_the_wire = [renamed.get(name, name) for name in known]
        if len(set(on_the_wire)) != len(on_the_wire):
            raise ConfigurationError(f"Dialect({setting}=...): two names of {resource} would be the same.")


def _check_path(name: str, path: str) -> None:
    if name not in CONTRACT:
        raise ConfigurationError(f"Dialect(paths=...): no operation {name!r}; there are {', '.join(CONTRACT)}.")
    if not path.startswith("/") or ("{id}" in path) != ("{id}" in CONTRACT[name].path):
        raise ConfigurationError(
            f"Dialect(paths=...): {path!r} for {name} must start with / and hold {{id}} where "
            f"{CONTRACT[name].path!r} does."
        )
    if not is_plain_path(path.replace("{id}", "id")):
        raise ConfigurationError(
            f"Dialect(paths=...): {path!r} for {name} must be a plain path: no query, fragment, dot segments, "
            "doubled slashes or escapes."
        )
