"""Whatever comes, only our own error escapes; and no single change of a genuine delivery is let through."""

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from webhooks.made import NOW, SECRET, SetClock, event_body, verifier

from setsmart_async import WebhookVerificationError
from setsmart_async.webhooks import (
    STANDARD_WEBHOOKS,
    SignatureScheme,
    VerifiedDelivery,
    WebhookVerifier,
    basic_credentials,
    body_hmac,
    read_event,
    timestamped_hmac,
    versioned_hmac,
)

SCHEMES = [STANDARD_WEBHOOKS, body_hmac(), timestamped_hmac(), versioned_hmac(), basic_credentials()]
NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature", "x-signature", "x-request-timestamp", "authorization"]
TOKENS = st.text() | st.from_regex(r"(v1,|v1=|t=|v0=|sha256=|Basic )[A-Za-z0-9+/=, ]{0,80}") | st.just(str(NOW))
VALUES = TOKENS | TOKENS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=80)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text() | st.binary(), VALUES), max_size=8)
BODY = event_body()


@given(st.sampled_from(SCHEMES), st.binary(max_size=200), PAIRS)
@example(STANDARD_WEBHOOKS, b"", [(name, "\udcff") for name in NAMES])
@example(timestamped_hmac(), b"", [("x-signature", f"t={NOW},v1=" + "é" * 64)])
def test_r49_only_our_error_escapes_verify(
    scheme: SignatureScheme, body: bytes, pairs: list[tuple[str | bytes, str | bytes]]
) -> None:
    with pytest.raises(WebhookVerificationError):
        WebhookVerifier(SECRET, scheme=scheme, clock=SetClock()).verify(body, pairs)


ENVELOPE = st.sampled_from(["id", "type", "event", "timestamp", "created", "data", "payload", "object", "extra"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ENVELOPE | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(ENVELOPE, JSON, max_size=8) | JSON)
def test_r49_only_our_error_escapes_reading(value: object) -> None:
    with contextlib.suppress(WebhookVerificationError):
        event = read_event(VerifiedDelivery(id="msg_1", timestamp=NOW, body=json.dumps(value).encode()))
        assert event.id


@given(st.binary(max_size=200))
def test_r49_only_our_error_escapes_reading_any_bytes(body: bytes) -> None:
    with contextlib.suppress(WebhookVerificationError):
        assert read_event(VerifiedDelivery(id=None, timestamp=None, body=body)).id


@given(st.data())
def test_no_change_of_one_character_is_let_through(data: st.DataObject) -> None:
    headers = verifier().sign(BODY, delivery_id="msg_1")
    parts = [*headers.values(), BODY.decode()]
    which = data.draw(st.integers(0, len(parts) - 1))
    place = data.draw(st.integers(0, len(parts[which]) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda c: c != parts[which][place]))
    parts[which] = parts[which][:place] + other + parts[which][place + 1 :]
    with pytest.raises(WebhookVerificationError):
        verifier().verify(parts[-1].encode(), dict(zip(headers, parts, strict=False)))
