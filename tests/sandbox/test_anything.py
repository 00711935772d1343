"""Whatever is sent to any operation, in any dialect, is answered; and what was stored can be read as records."""

from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.asking import HOMES, HandSetClock, Sandbox, in_memory

from setsmart_async.contract import CONTRACT, Dialect, Operation, record_of
from setsmart_async.records.codec import decode_records
from setsmart_async.records.conversation import MessageStatus
from setsmart_async.records.property import PropertyStatus
from setsmart_async.records.reservation import ReservationStatus
from setsmart_async.records.webhook import WebhookEventType
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import Json, JsonObject, decode_json, target_of

MEMBERS = sorted(PropertyStatus.members | ReservationStatus.members | MessageStatus.members | WebhookEventType.members)
DAYS = ["2026-01-01", "2026-01-05", "2027-12-31", "0001-01-01", "9999-12-31", "2026-02-30"]
WORDS = [*MEMBERS, *DAYS, "host", "true", "prop_1", "EUR", "185.00", "-1", "1e5", "Europe/Oslo", "https://example.com/"]
NAMES = sorted(
    {attribute.name for resource in ("properties", "reservations", "calendar", "conversations", "messages", "webhooks")
     for attribute in attrs.fields(record_of(resource))}
    | {"days", "start_date", "end_date", "cancelled_by", "reason", "amount", "first_name"}
)  # fmt: skip
PARAMETERS = sorted({name for row in CONTRACT.values() for name in row.parameters})
IDS = {"reservations": "res_1", "conversations": "conv_1", "messages": "conv_1", "webhooks": "wh_1"}

values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
# Mostly right, so that much of it comes through.
BODIES: dict[str, JsonObject] = {
    "properties.create": {"name": "A", "address": "B", "bedrooms": 1, "bathrooms": 1, "max_guests": 2},
    "reservations.create": {"property_id": "prop_1", "check_in": "2026-01-01", "check_out": "2026-01-05"},
    "reservations.cancel": {"cancelled_by": "guest"},
    "calendar.push": {"days": [{"start_date": "2026-01-01", "end_date": "2026-01-05", "nightly_rate": "99.50"}]},
    "messages.send": {"body": "Hello"},
    "webhooks.create": {"url": "https://example.com/", "events": ["*"]},
}
DIALECTS = [
    Dialect(),
    Dialect(money="number", update_style="replace"),
    Dialect(money="object", items_key="rows", record_key="row", fields={"reservations.id": "ref"}),
]
Asked = tuple[Operation, str, Json, Mapping[str, str]]
ALLOWED = {200, 400, 404, 409, 422}


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    operation = draw(st.sampled_from(list(CONTRACT.values())))
    identifier = draw(st.sampled_from([IDS.get(operation.resource, "prop_1"), "nope"]))
    changes = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
    body: Json = {**BODIES.get(operation.name, {}), **changes}
    if operation.name == "calendar.push" and draw(st.booleans()):
        body = {"days": [{"start_date": "2026-01-01", "end_date": "2026-01-02", **changes}]}
    query = draw(st.dictionaries(st.sampled_from([*PARAMETERS, "limit", "cursor"]), st.sampled_from(WORDS) | st.text()))
    return operation, identifier, body, query


@settings(max_examples=50)
@given(asked=st.lists(requests(), min_size=1, max_size=5))
@pytest.mark.parametrize("dialect", DIALECTS, ids=["plain", "numbers", "objects"])
def test_whatever_is_asked_is_answered(
    dialect: Dialect, asked: list[tuple[Operation, str, Json, Mapping[str, str]]]
) -> None:
    api = SandboxApi(
        HOMES,
        reservations=[{"id": "res_1", "property_id": "prop_2", "check_in": "2026-01-01", "check_out": "2026-01-03"}],
        conversations=[{"id": "conv_1"}],
        webhooks=[{"id": "wh_1", "url": "https://example.com/", "events": ["*"]}],
        quota=QuotaSimulator(QuotaRule(10**6)),
        dialect=dialect,
        clock=HandSetClock(),
    )
    sandbox = in_memory(api, HandSetClock())
    for operation, identifier, body, query in asked:
        target = target_of(operation.path.replace("{id}", identifier), query)
        answer = sandbox.ask(operation.method, target, body if operation.method in ("POST", "PUT") else None)
        assert answer.status in ALLOWED
        decode_json(answer.body)
    all_can_be_read(sandbox, dialect)


def all_can_be_read(sandbox: Sandbox, dialect: Dialect) -> None:
    days = "/properties/prop_1/calendar?start_date=2026-01-01&end_date=2026-01-09"
    lists = {"reservations": "/reservations", "conversations": "/conversations", "webhooks": "/webhooks"}
    lists |= {"messages": "/conversations/conv_1/messages", "properties": "/properties", "calendar": days}
    for resource, target in lists.items():
        answer = sandbox.ask("GET", target)
        if resource == "calendar" and answer.status == 404:
            continue  # the home was deleted
        assert answer.status == 200
        page: Any = decode_json(answer.body)
        rows = [in_our_names(row, dialect.field_names(resource)) for row in page[dialect.items_key or "data"]]
        decode_records(record_of(resource), rows)


def in_our_names(row: JsonObject, names: Mapping[str, str]) -> Json:
    ours = {other: name for name, other in names.items()}
    return {ours.get(name, name): value for name, value in row.items()}
