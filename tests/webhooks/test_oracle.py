"""R-48: the official library's deliveries verify here, and ours verify there."""

import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook
from webhooks.made import NOW, SECRET, SetClock, verifier

from setsmart_async import WebhookVerificationError

IDS = st.text("abcXYZ019_-", min_size=1, max_size=40)
# The official library takes a body as text alone, and signs its UTF-8.
BODIES = st.text(st.characters(codec="utf-8"), max_size=300)


@given(IDS, BODIES)
def test_r48_theirs_verify_here(delivery_id: str, body: str) -> None:
    signature = Webhook(SECRET).sign(delivery_id, datetime.fromtimestamp(NOW, UTC), body)
    headers = {"webhook-id": delivery_id, "webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert verifier().verify(body.encode(), headers).id == delivery_id


@given(IDS, st.integers(-1000, 1000))
def test_r48_ours_verify_there(delivery_id: str, number: int) -> None:
    now = int(datetime.now(UTC).timestamp())
    body = b'{"number": %d}' % number
    headers = verifier(SetClock(now)).sign(body, delivery_id=delivery_id)
    assert Webhook(SECRET).verify(body.decode(), headers) == {"number": number}


def test_r48_what_they_let_through_is_refused_here() -> None:
    """An id with a dot, under a signature that is right: the same bytes mean two deliveries."""
    signature = Webhook(SECRET).sign("a.b", datetime.fromtimestamp(NOW, UTC), "{}")
    headers = {"webhook-id": "a.b", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    with pytest.raises(WebhookVerificationError):
        verifier().verify(b"{}", headers)


def test_r48_any_good_key() -> None:
    import base64

    for size in (24, 32, 64):
        key = "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()
        now = int(datetime.now(UTC).timestamp())
        headers = verifier(SetClock(now), key).sign(b"{}", delivery_id="msg_1")
        assert Webhook(key).verify("{}", headers) == {}
