"""What is written is read back, for every record; records compare, hash, copy and pickle as values."""

import copy
import json
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records.made_records import KINDS, records

from setsmart_async import MoneyForm, Property, Reservation
from setsmart_async.records.codec import decode_record, encode_record
from setsmart_async.wire import JsonObject, decode_json, encode_json


@pytest.mark.parametrize("money", ["string", "object"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50)
@given(st.data())
def test_what_is_written_is_read_back(kind: type, money: MoneyForm, data: st.DataObject) -> None:
    record = data.draw(records(kind))
    again: Any = decode_record(kind, decode_json(encode_json(encode_record(record, money))))
    assert again == record
    assert again.extra == record.extra
    assert hash(again) == hash(record)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30)
@given(st.data())
def test_records_are_values(kind: type, data: st.DataObject) -> None:
    record = data.draw(records(kind))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(record, protocol)) == record
    assert copy.deepcopy(record) == record
    assert {record: 1}[copy.copy(record)] == 1
    assert attrs.evolve(record, extra={}) == record or record.extra
    assert hash(attrs.evolve(record, extra={"more": []})) == hash(record)


UNKNOWN: JsonObject = {
    "count": 2**70,
    "nothing": None,
    "nested": {"nothing": None, "list": [None, 10**30, 0.1, ""]},
    "status_text": "\u00e5",
}


@pytest.mark.parametrize(
    ("kind", "came"),
    [
        (Property, {"id": "a", "name": "b", **UNKNOWN}),
        (Reservation, {"id": "r", "property_id": "p", "check_in": "2026-07-01", "check_out": "2026-07-05", **UNKNOWN}),
        (
            Reservation,
            {
                "id": "r",
                "property_id": "p",
                "check_in": "2026-07-01",
                "check_out": "2026-07-05",
                "status": "canceled",
                "total_amount": "185.00",
                "currency": "NOK",
                "guest": {"id": "g", **UNKNOWN},
            },
        ),
    ],
)
def test_what_came_is_sent_back_as_it_came(kind: type, came: JsonObject) -> None:
    assert json.dumps(encode_record(decode_record(kind, came)), sort_keys=True) == json.dumps(came, sort_keys=True)
