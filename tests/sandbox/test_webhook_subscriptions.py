"""The sandbox's webhook subscriptions, and what it tells, in memory, over HTTP and over HTTPS."""

from base64 import b64encode
from typing import Any

import pytest
from sandbox.asking import VILLA, Opener

from setsmart_async.wire import JsonObject

ASKED: JsonObject = {"url": "https://example.com/hooks", "events": ["reservation.created", "message.received"]}


def test_the_secret_is_in_the_first_answer_alone(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(random_bytes=lambda count: bytes(range(count)))
    made = sandbox.read("POST", "/webhooks", {**ASKED, "secret": "whsec_mine", "id": "mine"})
    secret = "whsec_" + b64encode(bytes(range(32))).decode()
    shown = {**ASKED, "id": made["id"], "active": True, "created_at": "2023-11-14T22:13:20Z"}
    assert made == {**shown, "secret": secret}
    where = f"/webhooks/{made['id']}"
    assert sandbox.read("GET", where) == shown
    assert sandbox.read("GET", "/webhooks")["data"] == [shown]
    assert sandbox.read("PUT", where, {"active": False, "secret": "whsec_mine"}) == {**shown, "active": False}
    assert sandbox.api.webhooks.store.get(made["id"]) == {**shown, "active": False, "secret": secret}
    assert sandbox.read("DELETE", where) == {"id": made["id"], "deleted": True}
    assert sandbox.fail("GET", where)[0] == 404
    assert sandbox.fail("PUT", where, {"active": True})[0] == 404
    assert sandbox.fail("DELETE", where)[0] == 404


@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "link", "array"])
def test_no_list_shows_a_secret(open_sandbox: Opener, paging: str) -> None:
    sandbox = open_sandbox(webhooks=[{**ASKED, "id": "wh_1", "secret": "whsec_c2VjcmV0"}], paging=paging)
    answer = sandbox.ask("GET", "/webhooks")
    assert (answer.status, b"wh_1" in answer.body, b"whsec" in answer.body) == (200, True, False)


def test_secrets_differ(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    assert len({sandbox.read("POST", "/webhooks", ASKED)["secret"] for _ in range(3)}) == 3


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost/x", "http://[::1]:9/", "https://a.example"]
)
def test_where_deliveries_may_go(open_sandbox: Opener, url: str) -> None:
    assert open_sandbox().read("POST", "/webhooks", {**ASKED, "url": url})["url"] == url


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, {"url": "required", "events": "required"}),
        ({**ASKED, "url": "http://example.com/"}, {"url": "invalid_value"}),
        ({**ASKED, "url": "ftp://example.com/"}, {"url": "invalid_value"}),
        ({**ASKED, "url": "https://"}, {"url": "invalid_value"}),
        ({**ASKED, "url": "https://[::1"}, {"url": "invalid_value"}),
        ({**ASKED, "url": 7}, {"url": "invalid_type"}),
        ({**ASKED, "events": []}, {"events": "invalid_value"}),
        ({**ASKED, "events": ["moon.rises"]}, {"events": "invalid_value"}),
        ({**ASKED, "events": [{}]}, {"events": "invalid_value"}),
        ({**ASKED, "events": "*", "active": "yes"}, {"events": "invalid_type", "active": "invalid_type"}),
    ],
)
def test_a_subscription_that_can_not_be_is_refused(
    open_sandbox: Opener, fields: JsonObject, errors: dict[str, str]
) -> None:
    sandbox = open_sandbox(webhooks=[{**ASKED, "id": "wh_1"}])
    assert sandbox.fail("POST", "/webhooks", fields) == (400, "invalid_parameters", errors)
    if wrong := {name: fields[name] for name in errors if name in fields}:
        assert sandbox.fail("PUT", "/webhooks/wh_1", wrong)[2] == errors
    assert len(sandbox.api.webhooks.store) == 1


def test_an_update_can_replace(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(put_replaces=True)
    made = sandbox.read("POST", "/webhooks", {**ASKED, "active": False, "label": "mine"})
    assert made["active"] is False
    where = f"/webhooks/{made['id']}"
    assert sandbox.fail("PUT", where, {"active": True})[2] == {"url": "required", "events": "required"}
    replaced = sandbox.read("PUT", where, ASKED)
    assert replaced == {**ASKED, "id": made["id"], "active": True, "created_at": made["created_at"]}
    assert sandbox.api.webhooks.store.get(made["id"]) == {**replaced, "secret": made["secret"]}


def test_who_wants_to_hear_of_what(open_sandbox: Opener) -> None:
    seeds: list[JsonObject] = [
        {"id": "wh_all", "events": ["*"]},
        {"id": "wh_some", "events": ["property.created"]},
        {"id": "wh_off", "events": ["*"], "active": False},
    ]
    webhooks = open_sandbox(webhooks=seeds).api.webhooks
    assert [one["id"] for one in webhooks.wanting("property.created")] == ["wh_all", "wh_some"]
    assert [one["id"] for one in webhooks.wanting("calendar.updated")] == ["wh_all"]


def test_what_happens_is_told_and_what_is_refused_is_not(open_sandbox: Opener) -> None:
    told: list[tuple[str, Any]] = []
    sandbox = open_sandbox(tell=lambda kind, data: told.append((kind, data.get("property_id") or data["id"])))
    villa = sandbox.read("POST", "/properties", VILLA)["id"]
    sandbox.read("PUT", f"/properties/{villa}", {"max_guests": 7})
    stay = {"property_id": villa, "check_in": "2026-01-01", "check_out": "2026-01-03"}
    booked = sandbox.read("POST", "/reservations", stay)["id"]
    assert sandbox.ask("POST", "/reservations", stay).status == 409
    sandbox.read("PUT", f"/reservations/{booked}", {"adults": 2})
    sandbox.read("POST", f"/reservations/{booked}/cancel", {"cancelled_by": "host"})
    push = {"days": [{"start_date": "2026-01-01", "end_date": "2026-01-01", "available": False}]}
    sandbox.read("PUT", f"/properties/{villa}/calendar", push)
    sandbox.ask("PUT", f"/properties/{villa}/calendar", {"days": []})
    sandbox.read("DELETE", f"/properties/{villa}")
    sandbox.ask("DELETE", f"/properties/{villa}")
    kinds = ["property.created", "property.updated", "reservation.created", "reservation.updated"]
    kinds += ["reservation.cancelled", "calendar.updated", "property.deleted"]
    assert told == [(kind, villa) for kind in kinds]
