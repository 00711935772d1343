"""Each scheme of the field is one line, and verifies what its own sender would send."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from webhooks.made import NOW, SECRET, SetClock

from setsmart_async import ConfigurationError, WebhookVerificationError
from setsmart_async.webhooks import (
    STANDARD_WEBHOOKS,
    SignatureScheme,
    WebhookVerifier,
    basic_credentials,
    body_hmac,
    timestamped_hmac,
    versioned_hmac,
)

BODY = b'{"id": "evt_1"}'
TEXT = "It's a Secret to Everybody"


def hexadecimal(content: bytes, digest: Any = hashlib.sha256) -> str:
    return hmac.new(TEXT.encode(), content, digest).hexdigest()


STRIPE = hexadecimal(f"{NOW}.".encode() + BODY)
SENT: list[tuple[SignatureScheme, dict[str, str]]] = [
    (body_hmac("x-hub-signature-256"), {"X-Hub-Signature-256": "sha256=" + hexadecimal(BODY)}),
    (body_hmac("x-hub-signature-256"), {"X-Hub-Signature-256": "sha256=" + hexadecimal(BODY).upper()}),
    (
        body_hmac("x-shop-hmac", prefix="", encoding="base64"),
        {"X-Shop-Hmac": base64.b64encode(hmac.digest(TEXT.encode(), BODY, "sha256")).decode()},
    ),
    (timestamped_hmac("stripe-signature"), {"Stripe-Signature": f"t={NOW},v1={STRIPE},v0=00"}),
    (timestamped_hmac("stripe-signature"), {"Stripe-Signature": f"t={NOW},v1={'0' * 64},v1={STRIPE}"}),
    (
        versioned_hmac("x-slack-signature", "x-slack-request-timestamp"),
        {
            "X-Slack-Signature": "v0=" + hexadecimal(f"v0:{NOW}:".encode() + BODY),
            "X-Slack-Request-Timestamp": str(NOW),
        },
    ),
    (basic_credentials(), {"Authorization": "Basic " + base64.b64encode(TEXT.encode()).decode()}),
    (
        SignatureScheme(digest="sha512", encoding="hex", prefix="", separator=None, key_form="text"),
        {
            "Webhook-Id": "msg_1",
            "Webhook-Timestamp": str(NOW),
            "Webhook-Signature": hexadecimal(f"msg_1.{NOW}.".encode() + BODY, hashlib.sha512),
        },
    ),
]


@pytest.mark.parametrize(("scheme", "headers"), SENT)
def test_what_its_sender_sends(scheme: SignatureScheme, headers: dict[str, str]) -> None:
    verifier = WebhookVerifier(TEXT, scheme=scheme, clock=SetClock())
    assert verifier.verify(BODY, headers).body == BODY
    with pytest.raises(WebhookVerificationError):
        WebhookVerifier(TEXT[::-1], scheme=scheme, clock=SetClock()).verify(BODY, headers)
    if scheme.content is not None:  # credentials do not cover the body, as their docstring says
        with pytest.raises(WebhookVerificationError):
            verifier.verify(BODY + b" ", headers)
    if scheme.has_timestamp:
        with pytest.raises(WebhookVerificationError):
            WebhookVerifier(TEXT, scheme=scheme, clock=SetClock(NOW + 301)).verify(BODY, headers)


@pytest.mark.parametrize("scheme", [scheme for scheme, _ in SENT])
def test_what_it_signs_it_verifies(scheme: SignatureScheme) -> None:
    both = WebhookVerifier(TEXT, TEXT[::-1], scheme=scheme, clock=SetClock())
    headers = both.sign(BODY, delivery_id="msg_1" if scheme.id_header else "")
    assert WebhookVerifier(TEXT, scheme=scheme, clock=SetClock()).verify(BODY, headers).body == BODY


def test_the_secret_hello_of_a_published_example() -> None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, "Testing"."""
    headers = {"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}
    verifier = WebhookVerifier(TEXT, scheme=body_hmac("x-hub-signature-256"))
    assert verifier.verify(b"Hello, World!", headers).id is None


@pytest.mark.parametrize(
    "header",
    ["", "t=1800000000", f"v1={STRIPE}", f"t={NOW},t={NOW},v1={STRIPE}", f"t={NOW}, v1={STRIPE}", f"t=,v1={STRIPE}"],
)
def test_one_timestamp_among_the_signatures(header: str) -> None:
    with pytest.raises(WebhookVerificationError):
        WebhookVerifier(TEXT, scheme=timestamped_hmac(), clock=SetClock()).verify(BODY, {"x-signature": header})


@pytest.mark.parametrize(
    "settings",
    [
        {"content": "{id}.{timestamp}"},
        {"content": "{id}.{timestamp}.{body}{body}"},
        {"content": "{id}.{timestamp}.{body}.{url}"},
        {"content": "{id}{timestamp}.{body}"},
        {"content": "{id}-{timestamp}.{body}"},
        {"content": "{id}.{timestamp}{body}"},
        {"content": "{timestamp}.{body}"},
        {"content": "{id}.{body}"},
        {"id_header": None},
        {"timestamp_header": None},
        {"timestamp_prefix": "t="},
        {"signature_header": "x signature"},
    ],
)
def test_schemes_that_protect_nothing(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        SignatureScheme(**settings)


def test_the_default_is_the_standard() -> None:
    assert SignatureScheme() == STANDARD_WEBHOOKS
    assert WebhookVerifier(SECRET).scheme is STANDARD_WEBHOOKS
    assert (STANDARD_WEBHOOKS.refusal, basic_credentials().refusal) == (400, 401)
