"""A server's own dialect at the sandbox's edge: inside, everything has the contract's names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from setsmart_async.contract import CONTRACT, RECORDS, Dialect, Operation
from setsmart_async.records.mismatch import MismatchError
from setsmart_async.records.money import pack_amounts, read_amount, unpack_amount, write_amount
from setsmart_async.sandbox.question import Success
from setsmart_async.wire import Json, JsonObject

_AMOUNTS: Final[Mapping[str, str]] = {"reservations": "total_amount", "calendar": "nightly_rate"}
"""By resource the field that holds money."""


class Translation:
    """From the dialect's words to the contract's, and back."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Dialect = dialect
        self._to_wire = {resource: dialect.field_names(resource) for resource in RECORDS}
        self._from_wire = {resource: _turned(names) for resource, names in self._to_wire.items()}
        paging = {dialect.cursor_parameter: "cursor", dialect.page_parameter: "page"}
        paging[dialect.page_size_parameter] = "limit"
        paging = {sent: ours for sent, ours in paging.items() if sent != ours}
        self._parameters = {resource: {**paging, **_turned(dialect.parameter_names(resource))} for resource in RECORDS}

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
            return self._records(resource, body)
        if isinstance(body, dict) and isinstance(records := body["data"], list):
            key = self.dialect.items_key or "data"
            return {key: self._records(resource, records), **{name: body[name] for name in body if name != "data"}}
        return body

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
            record = {**record, amount: write_amount(Decimal(text), self.dialect.money)}
            if self.dialect.money == "object":
                record = pack_amounts(record, [amount])
        names = self._to_wire[resource]
        return {names.get(name, name): value for name, value in record.items()} if names else record


def _turned(names: Mapping[str, str]) -> dict[str, str]:
    return {other: name for name, other in names.items()}
