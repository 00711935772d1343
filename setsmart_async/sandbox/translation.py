"""A server's own dialect at the sandbox's edge: inside, everything has the contract's names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import attrs

from setsmart_async.contract import CONTRACT, RECORDS, Dialect, Operation
from setsmart_async.records.mismatch import MismatchError
from setsmart_async.records.money import pack_amounts, read_amount, unpack_amount, write_amount
from setsmart_async.sandbox.answers import RefusedError
from setsmart_async.sandbox.question import Success
from setsmart_async.wire import Json, JsonObject

_NAME: Final = re.compile(r"[a-z_]+")
_AMOUNTS: Final[Mapping[str, str]] = {"reservations": "total_amount", "calendar": "nightly_rate"}
"""By resource the field that holds money."""


class Translation:
    """From the dialect's words to the contract's, and back."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self.api_key_header: str = dialect.api_key_header.lower()
        """In lower case."""
        self._to_wire = {resource: dialect.field_names(resource) for resource in RECORDS}
        self._from_wire = {resource: _turned(names) for resource, names in self._to_wire.items()}
        paging = {dialect.cursor_parameter: "cursor", dialect.page_parameter: "page"}
        paging[dialect.page_size_parameter] = "limit"
        paging = {sent: ours for sent, ours in paging.items() if sent != ours}
        self._parameters = {resource: {**paging, **_turned(dialect.parameter_names(resource))} for resource in RECORDS}
        self._sent_parameters = {resource: _turned(names) for resource, names in self._parameters.items()}

    def operations(self) -> Iterable[Operation]:
        """The contract's operations at the dialect's paths."""
        return map(self.dialect.operation, CONTRACT.values())

    def parameters(self, operation: Operation, sent: Mapping[str, str]) -> Mapping[str, str]:
        """A query in the contract's names."""
        names = self._parameters[operation.resource]
        return {names.get(name, name): text for name, text in sent.items()} if names else sent

    def fields(self, operation: Operation, sent: JsonObject) -> JsonObject:
        """A body in the contract's names, its amounts as texts."""
        resource = operation.resource
        if resource != "calendar":
            return self._fields(resource, sent)
        fields = dict(sent)
        days = fields.pop(self.dialect.calendar_key, None)
        if isinstance(days, list):
            return {**fields, "days": [self._fields(resource, one) if isinstance(one, dict) else one for one in days]}
        return {**fields, "days": days}

    def body(self, operation: Operation, success: Success) -> Json:
        """An answer's body in the dialect's names and envelopes."""
        body, resource = success.body, operation.resource
        if success.holds == "nothing":
            return body
        if success.holds == "record":
            body = self._record(resource, body)
            return body if self.dialect.record_key is None else {self.dialect.record_key: body}
        if isinstance(body, list):
            bare = self._records(resource, body)
            return bare if self.dialect.items_key is None else {self.dialect.items_key: bare}
        if isinstance(body, dict) and isinstance(records := body["data"], list):
            key = self.dialect.items_key or "data"
            return {key: self._records(resource, records), **{name: body[name] for name in body if name != "data"}}
        return body

    def refusal(self, operation: Operation, refusal: RefusedError, status: int) -> RefusedError:
        """The refusal with this status, its fields and parameters in the dialect's names."""
        resource = operation.resource
        names = self._sent_parameters[resource] if operation.method == "GET" else self._to_wire[resource]
        if resource == "calendar":
            names = {**names, "days": self.dialect.calendar_key}
        errors = [attrs.evolve(problem, field=_respelt(problem.field, names)) for problem in refusal.errors]
        return RefusedError(status, refusal.code, refusal.message, errors=errors, headers=refusal.headers)

    def _fields(self, resource: str, sent: JsonObject) -> JsonObject:
        names = self._from_wire[resource]
        fields = {names.get(name, name): value for name, value in sent.items()} if names else sent
        amount = _AMOUNTS.get(resource)
        if amount is None or fields.get(amount) is None:
            return fields
        value, currency = unpack_amount(fields[amount], fields.get("currency"))
        try:
            written = write_amount(read_amount(value), "string")
        except (MismatchError, ValueError):
            return fields  # which the checks refuse
        with_currency: JsonObject = {} if not isinstance(currency, str) else {"currency": currency}
        return {**fields, **with_currency, amount: written}

    def _records(self, resource: str, records: list[Json]) -> list[Json]:
        if not self._to_wire[resource] and (self.dialect.money == "string" or resource not in _AMOUNTS):
            return records
        return [self._record(resource, record) for record in records]

    def _record(self, resource: str, record: Json) -> Json:
        if not isinstance(record, dict):
            return record
        amount = _AMOUNTS.get(resource)
        if amount is not None and self.dialect.money != "string" and isinstance(text := record.get(amount), str):
            try:
                record = {**record, amount: write_amount(Decimal(text), self.dialect.money)}
            except (ArithmeticError, ValueError):
                return self._record_named(resource, record)  # a seed that is no amount, or more than a number holds
            if self.dialect.money == "object":
                record = pack_amounts(record, [amount])
        return self._record_named(resource, record)

    def _record_named(self, resource: str, record: JsonObject) -> JsonObject:
        names = self._to_wire[resource]
        return {names.get(name, name): value for name, value in record.items()} if names else record


def _respelt(field: str, names: Mapping[str, str]) -> str:
    """A field's path, such as ``days[0].min_stay``, in other names."""
    return _NAME.sub(lambda found: names.get(found[0], found[0]), field) if names else field


def _turned(names: Mapping[str, str]) -> dict[str, str]:
    return {other: name for name, other in names.items()}
