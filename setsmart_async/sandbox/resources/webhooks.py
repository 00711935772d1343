"""The sandbox's webhook subscriptions (provisional)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from setsmart_async.contract import WEBHOOKS_CREATE, WEBHOOKS_DELETE, WEBHOOKS_GET, WEBHOOKS_LIST, WEBHOOKS_UPDATE
from setsmart_async.records.webhook import WebhookEventType
from setsmart_async.sandbox.answers import FieldProblem
from setsmart_async.sandbox.checks import Shape, boolean
from setsmart_async.sandbox.listing import Pager
from setsmart_async.sandbox.question import Operate, Question, Success, Tell
from setsmart_async.sandbox.resources.stored import StoredResource
from setsmart_async.sandbox.store import RecordKind, RecordStore
from setsmart_async.wire import Json, JsonObject

SUBSCRIPTION: Final = RecordKind("webhook subscription", "wh", ("id", "created_at", "secret"))
"""Webhook subscriptions."""
ADDRESS: Final = r"^(https://[A-Za-z0-9.-]+|http://(127\.0\.0\.1|localhost|\[::1\]))(:[0-9]{1,5})?(/[!-~]*)?$"
"""The addresses that can be subscribed, as a regular expression."""
_SECRET_BYTES: Final = 32
_LONGEST_ADDRESS: Final = 2_000


def _address(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, str):
        return FieldProblem(field, "must be a text", "invalid_type")
    if len(value) <= _LONGEST_ADDRESS and re.fullmatch(ADDRESS, value, re.ASCII):
        return None
    return FieldProblem(field, "must be an https address; http only on a loopback address", "invalid_value")


def _events(field: str, value: Json) -> FieldProblem | None:
    if not isinstance(value, list):
        return FieldProblem(field, "must be a list", "invalid_type")
    if not value or not all(isinstance(one, str) and one in WebhookEventType.members for one in value):
        return FieldProblem(field, "must be a list of known event types", "invalid_value")
    return None


SHAPE: Final = Shape(
    checks={"url": _address, "events": _events, "active": boolean},
    required=("url", "events"),
    required_on_replace=("url", "events"),
    never_null=frozenset({"url", "events", "active"}),
)


class WebhooksResource(StoredResource):
    """Subscriptions; their secrets are shown once."""

    def __init__(
        self, store: RecordStore, pager: Pager, tell: Tell, *, replaces: bool, random_bytes: Callable[[int], bytes]
    ) -> None:
        super().__init__(store, SHAPE, {}, pager, tell)
        self._replaces = replaces
        self._random_bytes = random_bytes

    @property
    def operations(self) -> dict[str, Operate]:
        """By the contract's name."""
        return {
            WEBHOOKS_LIST.name: self.list,
            WEBHOOKS_GET.name: self.get,
            WEBHOOKS_CREATE.name: self.create,
            WEBHOOKS_UPDATE.name: self.update,
            WEBHOOKS_DELETE.name: self.delete,
        }

    def list(self, question: Question) -> Success:
        """One page, without secrets."""
        page = super().list(question)
        body = page.body
        if isinstance(body, dict) and isinstance(records := body["data"], list):
            body = {**body, "data": [_without_secret(record) for record in records]}
        elif isinstance(body, list):
            body = [_without_secret(record) for record in body]
        return attrs.evolve(page, body=body)

    def get(self, question: Question) -> Success:
        """One subscription, without its secret."""
        return Success(body=_without_secret(self.found(question.identifier)))

    def create(self, question: Question) -> Success:
        """Subscribe: the only answer with the secret."""
        self._shape.check_create(question.fields)
        secret = f"whsec_{b64encode(self._random_bytes(_SECRET_BYTES)).decode()}"
        record = self.store.create(_with_active(question.fields), question.now, secret=secret)
        return Success(body=record)

    def update(self, question: Question) -> Success:
        """Changes, merged or in the record's place."""
        self.found(question.identifier)
        self._shape.check_update(question.fields, replaces=self._replaces)
        if self._replaces:
            record = self.store.replace(question.identifier, _with_active(question.fields), question.now)
        else:
            record = self.store.merge(question.identifier, question.fields, question.now)
        assert record is not None  # noqa: S101 - it was found above
        return Success(body=_without_secret(record))

    def wanting(self, event_type: str) -> Sequence[JsonObject]:
        """The active subscriptions that are told of such an event."""
        return [
            record
            for record in self.store
            if record.get("active") is not False
            and isinstance(events := record.get("events"), list)
            and ("*" in events or event_type in events)
        ]


def _with_active(fields: JsonObject) -> JsonObject:
    return {**fields, "active": fields.get("active") is not False}


def _without_secret(record: Json) -> Json:
    if not isinstance(record, dict):
        return record
    return {name: value for name, value in record.items() if name != "secret"}
