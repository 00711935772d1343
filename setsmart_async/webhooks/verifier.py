"""Is this delivery genuine, and fresh? Pure: the time is passed in, nothing is waited for."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias, cast

import attrs

from setsmart_async.clock import Clock, SystemClock
from setsmart_async.errors import ConfigurationError, WebhookVerificationError
from setsmart_async.webhooks.scheme import STANDARD_WEBHOOKS, SignatureScheme
from setsmart_async.webhooks.secret import WebhookSecret
from setsmart_async.wire import Headers

LOGGER: Final = logging.getLogger("setsmart_async.webhooks")
"""Why a delivery was refused, at WARNING; never a secret, a header or a part of the body."""

HeaderFields: TypeAlias = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""A delivery's headers: a mapping, or pairs, which alone can show a header that was sent twice."""

REFUSED: Final = "The webhook delivery is refused: the log of setsmart_async.webhooks says why."
"""All that a refusal says, whatever the reason."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"[0-9]{10}", re.ASCII)
_NO_MATCH: Final = (
    "no signature matches: a wrong secret, or a body that was changed before it came here. Pass the exact bytes "
    "received, not what a framework parsed and wrote again"
)


@attrs.frozen(kw_only=True)
class VerifiedDelivery:
    """What a sender that knows the secret sent, just now. Printing it does not show the body."""

    id: str | None
    """The same in every repetition; None where the scheme has none."""
    timestamp: int | None
    """When this copy was sent, in unix seconds; None where the scheme does not tell."""
    body: bytes = attrs.field(repr=False)
    """Exactly what was signed."""

    @property
    def fingerprint(self) -> str:
        """Of the body: 64 hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()


class WebhookVerifier:
    """Verifies deliveries, and signs them: ``WebhookVerifier("whsec_…").verify(body, headers)``.

    Several secrets may count at once, so that they can be rotated. Raises `ConfigurationError` for a secret that
    the scheme can not use. Holds no state: one may serve any number of threads and loops.
    """

    def __init__(
        self,
        *secrets: str | WebhookSecret,
        scheme: SignatureScheme = STANDARD_WEBHOOKS,
        tolerance: float = 300.0,
        clock: Clock | None = None,
    ) -> None:
        """`tolerance` is how far, in seconds, the sender's clock may be from ours, in either direction."""
        try:
            if not secrets:
                raise ConfigurationError("A webhook verifier needs at least one secret.")
            if not 0 < tolerance <= 86_400:
                raise ConfigurationError("A webhook verifier's tolerance is above 0 and at most a day, in seconds.")
            self.scheme = scheme
            self._secrets = tuple(map(_held, secrets))
            for made in self._secrets:
                made.key(scheme.key_form, scheme.shortest_key)
        finally:
            del secrets  # a traceback that shows local variables must not show them
        self._tolerance = tolerance
        self._clock = clock or SystemClock()

    def verify(self, body: bytes, headers: HeaderFields) -> VerifiedDelivery:
        """The delivery, when one of the secrets signed exactly these bytes and it is no older than `tolerance`.

        Raises `WebhookVerificationError`, always the same, for every other; the log says why. Raises
        `ConfigurationError` when `body` is not bytes, for then nothing could ever be verified.
        """
        # A caller without types passes what its framework parsed.
        if not isinstance(body, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]  # the annotation is no guard
            raise ConfigurationError(
                "Pass the raw bytes of the request's body to `verify`, as received: `await request.read()` in aiohttp, "
                "`await request.body()` in Starlette. Text or parsed JSON is not what was signed."
            )
        now = self._clock.wall()
        fields, reason = _fields_of(headers)
        delivery_id, timestamp, tokens = "", "", list[str]()
        if reason is None:
            delivery_id, timestamp, tokens, reason = self._read(fields)
        # Always computed, so that a malformed header takes no less time than a wrong signature.
        mismatch = self._mismatch(delivery_id, timestamp, body, tokens, now)
        reason = reason or mismatch or self._age_problem(timestamp, now)
        if reason is not None:
            raise refused(reason)
        scheme = self.scheme
        return VerifiedDelivery(
            id=delivery_id if scheme.id_header else None,
            timestamp=int(timestamp) if scheme.has_timestamp else None,
            body=body,
        )

    def sign(self, body: bytes, *, delivery_id: str = "", timestamp: int | None = None) -> dict[str, str]:
        """The headers of a genuine delivery, for tests and senders; `timestamp` is now, in unix seconds.

        Signs with each secret that has not ended, as a sender does that rotates; with the first of them where the
        scheme has room for one. Raises `ConfigurationError` for an id or timestamp that no receiver would take.
        """
        scheme, now = self.scheme, self._clock.wall()
        written = str(int(now) if timestamp is None else timestamp)
        if scheme.id_header and not _ID.fullmatch(delivery_id):
            raise ConfigurationError("A delivery's id is 1 to 128 letters, digits, dashes and underscores.")
        if scheme.has_timestamp and not _TIMESTAMP.fullmatch(written):
            raise ConfigurationError("A delivery's timestamp is unix seconds, of ten digits.")
        content = scheme.signed_content(delivery_id=delivery_id, timestamp=written, body=body)
        tokens = [scheme.write(scheme.mac(secret, content)) for secret in self._secrets if not secret.ended(now)]
        if not tokens:
            raise ConfigurationError("Every secret of this webhook verifier has ended: add the new one.")
        if scheme.separator is None:
            del tokens[1:]
        if scheme.timestamp_prefix is not None:
            tokens.insert(0, scheme.timestamp_prefix + written)
        headers = {scheme.signature_header: (scheme.separator or "").join(tokens)}
        if scheme.id_header:
            headers[scheme.id_header] = delivery_id
        if scheme.timestamp_header:
            headers[scheme.timestamp_header] = written
        return headers

    def _read(self, fields: Mapping[str, Sequence[str]]) -> tuple[str, str, list[str], str | None]:
        scheme = self.scheme
        values = dict[str, str]()
        for name in filter(None, (scheme.signature_header, scheme.id_header, scheme.timestamp_header)):
            sent = fields.get(name.lower(), ())
            if len(sent) != 1:
                return "", "", [], f"{name} is missing" if not sent else f"{name} was sent {len(sent)} times"
            values[name] = sent[0]
        tokens = scheme.tokens(values[scheme.signature_header])
        if tokens is None:
            return "", "", [], "too many signatures"
        delivery_id = values[scheme.id_header] if scheme.id_header else ""
        if scheme.id_header and not _ID.fullmatch(delivery_id):
            return "", "", [], f"{scheme.id_header} has characters that no id has, or too many"
        stamps = [values[scheme.timestamp_header]] if scheme.timestamp_header else []
        if (marker := scheme.timestamp_prefix) is not None:
            stamps = [token.removeprefix(marker) for token in tokens if token.startswith(marker)]
        if scheme.has_timestamp and (len(stamps) != 1 or not _TIMESTAMP.fullmatch(stamps[0])):
            return "", "", [], "the timestamp is not ten digits, once"
        return delivery_id, stamps[0] if stamps else "", tokens, None

    def _mismatch(self, delivery_id: str, timestamp: str, body: bytes, tokens: list[str], now: float) -> str | None:
        content = self.scheme.signed_content(delivery_id=delivery_id, timestamp=timestamp, body=body)
        candidates = [mac for token in tokens if (mac := self.scheme.read(token)) is not None]
        genuine = ended = False
        for secret in self._secrets:
            mac = self.scheme.mac(secret, content)
            matches = False
            for candidate in candidates:  # each with each, so that the time taken tells nothing
                matches |= hmac.compare_digest(mac, candidate)
            genuine |= matches and not secret.ended(now)
            ended |= matches and secret.ended(now)
        if genuine:
            return None
        return "signed with a secret that has ended" if ended else _NO_MATCH

    def _age_problem(self, timestamp: str, now: float) -> str | None:
        if not self.scheme.has_timestamp or abs(now - int(timestamp)) <= self._tolerance:
            return None
        return f"genuine, but {now - int(timestamp):+.0f} seconds old: a replay, or a clock that is wrong"


def _held(secret: str | WebhookSecret) -> WebhookSecret:
    try:
        return secret if isinstance(secret, WebhookSecret) else WebhookSecret(secret)
    finally:
        del secret  # as in `__init__`


def refused(reason: str) -> WebhookVerificationError:
    """Log why, and make the error that does not say it."""
    LOGGER.warning("Webhook delivery refused: %s", reason)
    return WebhookVerificationError(REFUSED)


def _fields_of(headers: HeaderFields) -> tuple[dict[str, list[str]], str | None]:
    fields = dict[str, list[str]]()
    if isinstance(headers, Headers):
        headers = headers.pairs()
    elif isinstance(headers, Mapping):
        headers = cast("Mapping[str, str]", headers).items()
    try:
        for name, value in headers:
            fields.setdefault(_text(name).lower(), []).append(_text(value))
    except (TypeError, ValueError, AttributeError):
        return {}, "the headers are not pairs of texts"
    return fields, None


def _text(value: str | bytes) -> str:
    # RFC 9110, section 5.5: octets beyond ASCII are opaque; Latin-1 takes each as it is.
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # the annotation is no guard
        raise TypeError
    return text
