"""Webhook subscriptions: over https, to somewhere, of something."""

import pytest
from resources.fake_engine import always, run

from setsmart_async import WebhookEventType
from setsmart_async.resources.webhook_subscriptions import WebhookSubscriptions
from setsmart_async.wire import JsonObject

SUBSCRIBED: JsonObject = {
    "id": "wh_1",
    "url": "https://example.com/hooks",
    "events": ["reservation.created"],
    "active": True,
    "secret": "whsec_c2VjcmV0",
}


def test_subscribing_gives_the_secret_that_is_never_shown_again() -> None:
    engine = always(SUBSCRIBED)
    url = "https://example.com/hooks"
    made = run(engine.lend(WebhookSubscriptions).create(url=url, events=[WebhookEventType.RESERVATION_CREATED]))
    assert made.secret == "whsec_c2VjcmV0"
    assert "c2Vj" not in repr(made)
    assert engine.requests == [("POST", "/webhooks")]
    assert engine.body() == {"url": url, "events": ["reservation.created"]}


def test_the_rest_of_its_life() -> None:
    engine = always(SUBSCRIBED)
    subscriptions = engine.lend(WebhookSubscriptions)
    assert run(subscriptions.get("wh_1")).active
    run(subscriptions.update("wh_1", active=False, events=["*"]))
    assert engine.body() == {"active": False, "events": ["*"]}
    run(subscriptions.delete("wh_1"))
    assert [method for method, _ in engine.requests] == ["GET", "PUT", "DELETE"]
    listed = always([SUBSCRIBED])
    assert [each.id for each in run(listed.lend(WebhookSubscriptions).list(page_size=10).all())] == ["wh_1"]
    assert listed.requests == [("GET", "/webhooks?limit=10")]


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com/hooks", "ftp://example.com/", "https://", "https://[broken/", "https://example.com:x/"),
        *("http://example.com/hooks?token=s3cret", "http://127.0.0.1.example.com/", "https://example.com:0/"),
    ],
)
def test_an_address_that_can_not_be_meant_is_refused_and_not_quoted(url: str) -> None:
    engine = always(SUBSCRIBED)
    subscriptions = engine.lend(WebhookSubscriptions)
    with pytest.raises(ValueError, match="url must be") as caught:
        run(subscriptions.create(url=url, events=["*"]))
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="url must be"):
        run(subscriptions.update("wh_1", url=url))
    assert engine.calls == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hooks", "http://localhost/hooks", "http://[::1]/hooks"])
def test_plain_http_is_for_this_machine(url: str) -> None:
    engine = always(SUBSCRIBED)
    run(engine.lend(WebhookSubscriptions).create(url=url, events=["*"]))
    assert len(engine.calls) == 1


@pytest.mark.parametrize("events", [[], "reservation.created"])
def test_events_are_a_list_of_some(events: list[str]) -> None:
    engine = always(SUBSCRIBED)
    with pytest.raises(ValueError, match="events must be a list"):
        run(engine.lend(WebhookSubscriptions).create(url="https://example.com/", events=events))
    assert engine.calls == []
