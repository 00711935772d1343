"""How a sender signs its deliveries: which headers, what is signed, and how the signature is written.

SetSmart advises signature verification and does not document its scheme, so every one here is *provisional*;
`STANDARD_WEBHOOKS` is the default, and the field's others are one line each.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final, Literal, TypeAlias

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.webhooks.secret import KeyForm, WebhookSecret

Digest: TypeAlias = Literal["sha256", "sha384", "sha512"]
"""The hash under the HMAC."""
Encoding: TypeAlias = Literal["base64", "hex"]
"""How a signature's bytes are written."""

MOST_SIGNATURES: Final = 16
"""More of them in one header are refused: a sender that rotates secrets needs two."""
_LONGEST_HEADER: Final = 4096
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_PLACES: Final = re.compile(r"\{(\w*)\}")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")


def _header_names(scheme: SignatureScheme, _: object, name: str | None) -> None:
    if name is not None and not _HEADER_NAME.fullmatch(name):
        raise ConfigurationError(f"A webhook scheme's header has letters, digits and dashes, not {name!r}.")


@attrs.frozen(kw_only=True)
class SignatureScheme:
    """How deliveries are signed. Raises `ConfigurationError` for one that could not protect anything."""

    signature_header: str = attrs.field(default="webhook-signature", validator=_header_names)
    """The header with the signatures, in any case."""
    id_header: str | None = attrs.field(default="webhook-id", validator=_header_names)
    """The header with the delivery's id; None: there is none, and the event's own id tells repetitions."""
    timestamp_header: str | None = attrs.field(default="webhook-timestamp", validator=_header_names)
    """The header with unix seconds; None: there is none, and `tolerance` can not be kept."""
    content: str | None = "{id}.{timestamp}.{body}"
    """What is signed, of ``{id}``, ``{timestamp}`` and ``{body}``; None: nothing, the header is the secret itself."""
    digest: Digest = "sha256"
    """The hash under the HMAC."""
    encoding: Encoding = "base64"
    """How a signature's bytes are written."""
    prefix: str = "v1,"
    """In front of each signature; what begins otherwise is another version's, and skipped."""
    separator: str | None = " "
    """Between signatures; None: the header holds one."""
    timestamp_prefix: str | None = None
    """For schemes that keep the timestamp among the signatures: what it begins with, such as ``t=``."""
    key_form: KeyForm = "whsec"
    """How a secret stands for its key."""
    shortest_key: int = 24
    """In bytes. Standard Webhooks 1.0 asks for 24 to 64."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not fit together."""
        if self.content is None:
            return
        places = _PLACES.findall(self.content)
        if places.count("body") != 1 or not set(places) <= {"id", "timestamp", "body"}:
            raise ConfigurationError("A webhook scheme's content is made of {id}, {timestamp} and, once, {body}.")
        if self.timestamp_prefix is not None and (self.separator is None or self.timestamp_header is not None):
            raise ConfigurationError("`timestamp_prefix` needs a `separator`, and leaves `timestamp_header` None.")
        between = _PLACES.split(self.content)[2:-1:2]
        if not all(re.search(r"[^A-Za-z0-9_-]", text) for text in between):
            # Else the end of one could be passed off as the beginning of the next, under the same signature.
            raise ConfigurationError("A webhook scheme's content parts its places by what no id holds, such as a dot.")
        # What is not signed can be changed on the way: an id so would make every replay look new.
        if (self.id_header is not None) != ("id" in places):
            raise ConfigurationError("The id stands in `content` exactly when there is an `id_header`.")
        if self.has_timestamp != ("timestamp" in places):
            raise ConfigurationError("The timestamp stands in `content` exactly when a header carries it.")

    @property
    def has_timestamp(self) -> bool:
        """Whether the age of a delivery can be known."""
        return self.timestamp_header is not None or self.timestamp_prefix is not None

    @property
    def refusal(self) -> int:
        """The HTTP status for what does not verify: 401 where credentials are asked for, 400 elsewhere."""
        return 401 if self.content is None else 400

    def signed_content(self, *, delivery_id: str, timestamp: str, body: bytes) -> bytes:
        """The bytes that the signature covers."""
        values = {"id": delivery_id.encode(), "timestamp": timestamp.encode(), "body": body}
        parts = _PLACES.split(self.content or "")
        return b"".join(values[part] if place % 2 else part.encode() for place, part in enumerate(parts))

    def mac(self, secret: WebhookSecret, content: bytes) -> bytes:
        """The signature's bytes; of a scheme that signs nothing, those of the secret."""
        if self.content is None:
            return secret.key(self.key_form, self.shortest_key)
        return hmac.digest(secret.key(self.key_form, self.shortest_key), content, self.digest)

    def write(self, mac: bytes) -> str:
        """One signature as it stands in the header."""
        return self.prefix + (mac.hex() if self.encoding == "hex" else base64.b64encode(mac).decode())

    def tokens(self, header: str) -> list[str] | None:
        """The parts of the header; None when it is longer than any honest one."""
        if len(header) > _LONGEST_HEADER:
            return None
        tokens = [header] if self.separator is None else header.split(self.separator, 2 * MOST_SIGNATURES)
        return tokens if len(tokens) <= MOST_SIGNATURES else None

    def read(self, token: str) -> bytes | None:
        """A part's signature; None for another version's, and for what is not written exactly as it must be."""
        text = token.removeprefix(self.prefix)
        if not token.startswith(self.prefix) or not text:
            return None
        if self.encoding == "hex":
            mac = bytes.fromhex(text) if _HEX.fullmatch(text) else b""
        else:
            try:
                mac = base64.b64decode(text, validate=True)
            except (ValueError, binascii.Error):
                return None
            if base64.b64encode(mac).decode() != text:  # one way to write it: no bits left over
                return None
        right = self.content is None or len(mac) == hashlib.new(self.digest).digest_size
        return mac if right and mac else None


STANDARD_WEBHOOKS: Final = SignatureScheme()
"""Standard Webhooks 1.0, symmetric (https://www.standardwebhooks.com): the default."""


def body_hmac(header: str = "x-signature", *, prefix: str = "sha256=", encoding: Encoding = "hex") -> SignatureScheme:
    """A signature of the body alone, as GitHub's ``X-Hub-Signature-256: sha256=…``. Nothing in it tells its age."""
    return SignatureScheme(
        signature_header=header,
        id_header=None,
        timestamp_header=None,
        content="{body}",
        encoding=encoding,
        prefix=prefix,
        separator=None,
        key_form="text",
        shortest_key=16,
    )


def timestamped_hmac(header: str = "x-signature") -> SignatureScheme:
    """Timestamp and signatures in one header, as Stripe's ``t=…,v1=…,v1=…``."""
    return SignatureScheme(
        signature_header=header,
        id_header=None,
        timestamp_header=None,
        content="{timestamp}.{body}",
        encoding="hex",
        prefix="v1=",
        separator=",",
        timestamp_prefix="t=",
        key_form="text",
        shortest_key=16,
    )


def versioned_hmac(
    header: str = "x-signature", timestamp_header: str = "x-request-timestamp", *, version: str = "v0"
) -> SignatureScheme:
    """``v0=<hex>`` over ``v0:timestamp:body``, as Slack's, whose secrets are 32 hexadecimal digits."""
    return SignatureScheme(
        signature_header=header,
        id_header=None,
        timestamp_header=timestamp_header,
        content=f"{version}:{{timestamp}}:{{body}}",
        encoding="hex",
        prefix=f"{version}=",
        separator=None,
        key_form="text",
        shortest_key=16,
    )


def basic_credentials() -> SignatureScheme:
    """HTTP Basic (RFC 7617): the secret is ``user:password``. Over TLS only, and the body is not protected."""
    return SignatureScheme(
        signature_header="authorization",
        id_header=None,
        timestamp_header=None,
        content=None,
        prefix="Basic ",
        separator=None,
        key_form="text",
        shortest_key=12,
    )
