"""What a delivery is signed with, which never shows itself."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Final, Literal, NoReturn, TypeAlias

from setsmart_async.errors import ConfigurationError

KeyForm: TypeAlias = Literal["whsec", "text"]
"""How a secret stands for its key: base64 with or without ``whsec_`` in front, or the text's own bytes."""
WHSEC: Final = "whsec_"
"""Standard Webhooks 1.0, "Signature scheme": in front of a symmetric secret."""

_ASYMMETRIC: Final = ("whpk_", "whsk_")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LONGEST: Final = 512


class WebhookSecret:
    """One secret, and until when it counts.

    `repr`, `str` and formatting show nothing of it; it can be neither pickled nor copied. Raises
    `ConfigurationError`, which never quotes the secret, for a text that can be none.
    """

    __slots__ = ("_secret", "not_after")

    def __init__(self, secret: str, *, not_after: datetime | None = None) -> None:
        """`not_after` is the last moment, with its time zone, at which a signature made with it counts."""
        self._secret = ""
        self.not_after: float | None = None
        """Unix seconds; None: it does not end."""
        try:
            if not secret or secret != secret.strip() or not secret.isascii() or not secret.isprintable():
                raise ConfigurationError(
                    "The webhook secret is empty, or holds white space or characters outside of ASCII: copy it again."
                )
            if len(secret) > _LONGEST:
                raise ConfigurationError(f"The webhook secret is longer than {_LONGEST} characters.")
            if not_after is not None:
                if not_after.tzinfo is None:
                    raise ConfigurationError("A webhook secret's `not_after` needs a time zone, such as UTC.")
                self.not_after = not_after.timestamp()
            self._secret = secret
        finally:
            del secret  # a traceback that shows local variables must not show it

    def key(self, form: KeyForm, shortest: int) -> bytes:
        """The bytes to sign with. Raises `ConfigurationError` when they are fewer than `shortest`."""
        api_key = self._secret.encode()
        problem = ""
        try:
            if form == "whsec":
                text = self._secret.removeprefix(WHSEC)
                if self._secret.startswith(_ASYMMETRIC):
                    problem = "is half of an asymmetric pair (whpk_, whsk_): this scheme takes one that begins whsec_"
                elif not _BASE64.fullmatch(text):
                    problem = "is not base64: copy it again, whsec_ included"
                else:
                    try:
                        api_key = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
                    except binascii.Error:
                        problem = "is not base64: copy it again, whsec_ included"
                del text
            if not problem and len(api_key) < shortest:
                problem = f"is too short: {shortest} bytes at least"
            if problem:
                raise ConfigurationError(f"The webhook secret {problem}.")
            return api_key
        finally:
            del api_key

    def ended(self, now: float) -> bool:
        """Whether it counts no more at this time (unix seconds)."""
        return self.not_after is not None and now > self.not_after

    def __repr__(self) -> str:
        return "WebhookSecret('…')"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A webhook secret can not be pickled or copied: hand the WebhookSecret itself around.")
