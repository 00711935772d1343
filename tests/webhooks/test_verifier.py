"""R-48 to R-52: what is genuine is accepted, and nothing else is; every refusal looks the same."""

import base64
import copy
import hashlib
import hmac
import logging
import pickle
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
from webhooks.made import NOW, OTHER_SECRET, SECRET, SetClock, event_body, verifier

from setsmart_async import ConfigurationError, WebhookVerificationError
from setsmart_async.webhooks import WebhookSecret, WebhookVerifier
from setsmart_async.webhooks.verifier import REFUSED
from setsmart_async.wire import Headers

KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
BODY = event_body()


def signature(content: bytes, key: bytes = KEY) -> str:
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()


def fields(
    delivery_id: str = "msg_1", timestamp: str = str(NOW), body: bytes = BODY, signatures: str | None = None
) -> dict[str, str]:
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature(signed)}" if signatures is None else signatures,
    }


GOOD = fields()["webhook-signature"]
# The same 32 bytes, with a bit set that base64 throws away.
LEFT_OVER = GOOD[:-2] + chr(ord(GOOD[-2]) + 1) + "="
WRONG = "v1," + base64.b64encode(bytes(32)).decode()


def refuse(
    headers: Any,
    body: bytes = BODY,
    *,
    caplog: pytest.LogCaptureFixture,
    because: str,
    by: WebhookVerifier | None = None,
) -> None:
    """Refused with the one error, and the log says why, and holds neither secret nor body nor signature."""
    with caplog.at_level(logging.WARNING, "setsmart_async.webhooks"), pytest.raises(WebhookVerificationError) as caught:
        (by or verifier()).verify(body, headers)
    assert str(caught.value) == REFUSED
    assert caught.value.__cause__ is None
    assert because in caplog.text
    for canary in (SECRET[6:], KEY.hex(), "res_1", GOOD[3:]):
        assert canary not in caplog.text


def test_r48_the_vector_of_the_specification() -> None:
    body = b'{"test": 2432232314}'
    clock = SetClock(1_614_265_330)
    found = verifier(clock).verify(
        body,
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
    )
    assert (found.id, found.timestamp, found.body) == ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    assert "2432232314" not in repr(found)


@pytest.mark.parametrize(
    "headers",
    [
        fields(),
        {name.upper(): value for name, value in fields().items()},
        list(fields().items()),
        [(name.encode(), value.encode()) for name, value in fields().items()],
        Headers(fields().items()),
        fields(signatures=f"{WRONG} {GOOD}"),
        fields(signatures=f"{GOOD} {WRONG}"),
        fields(signatures=f"v1a,AAAA {GOOD} v2,zzz"),
    ],
)
def test_r48_genuine_in_every_form(headers: Any) -> None:
    assert verifier().verify(BODY, headers).id == "msg_1"


def test_r48_two_secrets_count_at_once() -> None:
    both = verifier(None, OTHER_SECRET, SECRET)
    assert both.verify(BODY, fields()).id == "msg_1"
    assert both.verify(BODY, verifier(None, OTHER_SECRET).sign(BODY, delivery_id="msg_2")).id == "msg_2"
    signed_by_both = both.sign(BODY, delivery_id="msg_3")
    assert verifier().verify(BODY, signed_by_both).id == "msg_3"
    assert verifier(None, OTHER_SECRET).verify(BODY, signed_by_both).id == "msg_3"


@pytest.mark.parametrize("secret", [SECRET.removeprefix("whsec_"), OTHER_SECRET, OTHER_SECRET.rstrip("=")])
def test_r48_a_secret_with_and_without_prefix_and_padding(secret: str) -> None:
    signer = verifier(None, SECRET if SECRET.endswith(secret) else OTHER_SECRET)
    assert verifier(None, secret).verify(BODY, signer.sign(BODY, delivery_id="msg_1")).id == "msg_1"


def test_r48_a_secret_ends_at_its_last_moment(caplog: pytest.LogCaptureFixture) -> None:
    old = WebhookSecret(SECRET, not_after=datetime.fromtimestamp(NOW, UTC))
    clock = SetClock()
    rotating = WebhookVerifier(old, OTHER_SECRET, clock=clock)
    assert rotating.verify(BODY, fields()).id == "msg_1"
    assert len(rotating.sign(BODY, delivery_id="msg_1")["webhook-signature"].split()) == 2
    clock.now = NOW + 1
    refuse(fields(), caplog=caplog, because="a secret that has ended", by=rotating)
    assert len(rotating.sign(BODY, delivery_id="msg_1")["webhook-signature"].split()) == 1


@pytest.mark.parametrize(
    ("signatures", "because"),
    [
        ("", "no signature matches"),
        (GOOD.replace(",", ""), "no signature matches"),
        (GOOD.replace("v1,", "v1,,,"), "no signature matches"),
        (WRONG, "no signature matches"),
        (f"{WRONG}  {WRONG}", "no signature matches"),
        (GOOD[:-1], "no signature matches"),
        (GOOD + "=", "no signature matches"),
        (LEFT_OVER, "no signature matches"),
        (GOOD.replace("v1,", "v1, "), "no signature matches"),
        ("v1,\N{SNOWMAN}" + GOOD[4:], "no signature matches"),
        ("v1,é", "no signature matches"),
        ("v1,*" + GOOD[4:], "no signature matches"),
        (f"{GOOD},{GOOD}", "no signature matches"),
        (" ".join([GOOD] * 17), "too many signatures"),
        (" ".join([GOOD] * 10_000), "too many signatures"),
        ("v1," + "A" * 1_000_000, "too many signatures"),
    ],
)
def test_r49_malformed_signatures(signatures: str, because: str, caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(signatures=signatures), caplog=caplog, because=because)


def test_r49_the_left_over_bit_is_one() -> None:
    assert base64.b64decode(LEFT_OVER[3:]) == base64.b64decode(GOOD[3:])


@pytest.mark.parametrize("bad", ["", "v1", "v1,", "v1,é", "v1,*", "v2,x", ",,,", "\N{SNOWMAN}"])
def test_r49_a_malformed_token_does_not_hide_a_valid_one(bad: str) -> None:
    assert verifier().verify(BODY, fields(signatures=f"{bad} {GOOD}")).id == "msg_1"
    assert verifier().verify(BODY, fields(signatures=f"{GOOD} {bad}")).id == "msg_1"


@pytest.mark.parametrize("name", list(fields()))
def test_r49_a_missing_header(name: str, caplog: pytest.LogCaptureFixture) -> None:
    refuse({key: value for key, value in fields().items() if key != name}, caplog=caplog, because=f"{name} is missing")


@pytest.mark.parametrize("headers", [None, 7, "text", ["x"], [("a", "b", "c")], {"webhook-id": 7}, {7: "x"}, [(b"a",)]])
def test_r49_headers_that_are_none(headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    refuse(headers, caplog=caplog, because="the headers are not pairs of texts")


def test_r49_a_malformed_delivery_costs_the_same_comparisons(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    digests: list[bytes] = []
    real = hmac.digest

    def counting(key: bytes, content: bytes, digest: str) -> bytes:
        digests.append(key)
        return real(key, content, digest)

    monkeypatch.setattr(hmac, "digest", counting)
    both = verifier(None, SECRET, OTHER_SECRET)
    for headers in (fields(signatures=WRONG), {}, fields(delivery_id="a.b"), fields(signatures="")):
        digests.clear()
        refuse(headers, caplog=caplog, because="refused", by=both)
        assert len(digests) == 2


def test_r49_every_secret_is_compared_with_every_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []
    real = hmac.compare_digest

    def counting(left: bytes, right: bytes) -> bool:
        compared.append(real(left, right))
        return compared[-1]

    monkeypatch.setattr(hmac, "compare_digest", counting)
    verifier(None, SECRET, OTHER_SECRET).verify(BODY, fields(signatures=f"{GOOD} {WRONG} {WRONG}"))
    assert compared == [True, False, False, False, False, False]


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_r50_within_the_tolerance(seconds: int) -> None:
    assert verifier().verify(BODY, fields(timestamp=str(NOW + seconds))).timestamp == NOW + seconds


@pytest.mark.parametrize("seconds", [-301, 301, -3 * 86_400, 8_000_000_000 - NOW])
def test_r50_outside_of_the_tolerance(seconds: int, caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(timestamp=str(NOW + seconds)), caplog=caplog, because="genuine, but")


def test_r50_age_is_told_of_genuine_deliveries_alone(caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(timestamp=str(NOW - 900), signatures=WRONG), caplog=caplog, because="no signature matches")
    assert "seconds old" not in caplog.text


@pytest.mark.parametrize(
    "timestamp",
    ["", "0", "1.8e9", f"{NOW}.0", "1e9", f" {NOW}", f"{NOW} ", f"+{NOW}"[:10], "1_80000000", "-180000000", f"{NOW}0",
     f"{NOW}\n", "".join(chr(0x660 + int(digit)) for digit in str(NOW)), "9" * 400, "nan", "inf", "0x6b49d20"],
)  # fmt: skip
def test_r50_a_timestamp_is_ten_digits(timestamp: str, caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(timestamp=timestamp), caplog=caplog, because="not ten digits")


@pytest.mark.parametrize(
    "delivery_id", ["", "a.b", "evt_1.1800000000", "x" * 129, "x" * 10_000, "a b", "é", "a\n", "a\0"]
)
def test_r51_ids_that_could_be_something_else(delivery_id: str, caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(delivery_id=delivery_id), caplog=caplog, because="characters that no id has")


def test_r51_parts_can_not_be_shifted(caplog: pytest.LogCaptureFixture) -> None:
    signed = fields(delivery_id="msg_1", body=b"1800000001.{}")
    moved = signed | {"webhook-id": f"msg_1.{NOW}", "webhook-timestamp": "1800000001"}
    refuse(moved, b"{}", caplog=caplog, because="characters that no id has")
    shifted = signed | {"webhook-timestamp": f"{NOW}.1800000001"}
    refuse(shifted, b"{}", caplog=caplog, because="not ten digits")


@pytest.mark.parametrize("name", list(fields()))
@pytest.mark.parametrize("again", [str.upper, str.title, str])
def test_r51_a_header_sent_twice(name: str, again: Any, caplog: pytest.LogCaptureFixture) -> None:
    pairs = [*fields().items(), (again(name), fields()[name])]
    refuse(pairs, caplog=caplog, because=f"{name} was sent 2 times")
    refuse(Headers(pairs), caplog=caplog, because=f"{name} was sent 2 times")


@pytest.mark.parametrize(
    "signatures",
    [
        GOOD.replace("v1,", "v1a,"),
        GOOD.replace("v1,", "v0,"),
        GOOD.replace("v1,", "V1,"),
        "sha1=" + hmac.new(KEY, BODY, hashlib.sha1).hexdigest(),
        "none",
        "v1,none",
        "v1," + base64.b64encode(base64.b64decode(GOOD[3:])[:16]).decode(),
        "v1," + base64.b64encode(hmac.digest(KEY, f"msg_1.{NOW}.".encode() + BODY, "sha1")).decode(),
        f"v1,{signature(BODY)}",
        f"v1,{signature(f'msg_1.{NOW}.'.encode() + BODY, b'')}",
        f"v1,{signature(f'msg_1.{NOW}.'.encode() + BODY, SECRET.encode())}",
    ],
)
def test_r52_no_other_version_or_hash_counts(signatures: str, caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(signatures=signatures), caplog=caplog, because="no signature matches")


def test_r52_another_endpoints_secret(caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(), caplog=caplog, because="no signature matches", by=verifier(None, OTHER_SECRET))


@pytest.mark.parametrize(
    ("secret", "because"),
    [
        ("whpk_" + SECRET[6:], "asymmetric"),
        ("whsk_" + SECRET[6:], "asymmetric"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "too short"),
        ("whsec_eA==", "too short"),
        ("whsec_", "not base64"),
        ("whsec_no%base_64!", "not base64"),
        ("whsec_%%%", "not base64"),
        (SECRET[:-1] + "===", "not base64"),
        ("whsec_" + "A" * 33, "not base64"),
        ("", "empty"),
        (SECRET + "\n", "white space"),
        ("whsec_é" + SECRET, "ASCII"),
        ("A" * 513, "longer"),
    ],
)
def test_r52_secrets_that_are_none(secret: str, because: str) -> None:
    with pytest.raises(ConfigurationError, match=because) as caught:
        WebhookVerifier(secret)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    body = secret.removeprefix("whsec_").strip()
    ours = [frame for frame in shown.split('  File "') if "setsmart_async/webhooks/" in frame]
    assert ours
    assert len(body) < 8 or not any(body in frame for frame in ours)
    assert len(body) < 8 or body not in str(caught.value)


@pytest.mark.parametrize("settings", [{"tolerance": 0}, {"tolerance": 86_401}, {"tolerance": float("nan")}])
def test_settings_that_protect_nothing(settings: Any) -> None:
    with pytest.raises(ConfigurationError):
        WebhookVerifier(SECRET, **settings)
    with pytest.raises(ConfigurationError, match="at least one"):
        WebhookVerifier()
    with pytest.raises(ConfigurationError, match="time zone"):
        WebhookSecret(SECRET, not_after=datetime(2030, 1, 1))  # noqa: DTZ001 - the fault


def test_a_secret_never_shows_itself() -> None:
    secret = WebhookSecret(SECRET)
    for shown in (repr(secret), str(secret), f"{secret:>40}", repr(vars(verifier())), repr(verifier())):
        assert SECRET[6:] not in shown
        assert repr(KEY) not in shown
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="pickled"):
            copied(secret)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(verifier())


@pytest.mark.parametrize(("delivery_id", "timestamp"), [("a.b", NOW), ("", NOW), ("msg_1", 7), ("msg_1", -NOW)])
def test_what_could_not_be_verified_is_not_signed(delivery_id: str, timestamp: int) -> None:
    with pytest.raises(ConfigurationError):
        verifier().sign(BODY, delivery_id=delivery_id, timestamp=timestamp)


@pytest.mark.parametrize("body", ["text", {"parsed": 1}, None, bytearray(BODY), memoryview(BODY)])
def test_r55_a_body_that_is_not_bytes(body: Any) -> None:
    with pytest.raises(ConfigurationError, match="raw bytes"):
        verifier().verify(body, fields())


def test_r55_a_body_written_again_by_a_framework(caplog: pytest.LogCaptureFixture) -> None:
    refuse(fields(), BODY.replace(b": ", b":"), caplog=caplog, because="Pass the exact bytes")
