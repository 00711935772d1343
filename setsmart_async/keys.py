"""The API key, which never shows itself, and where keys come from."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

from setsmart_async.errors import ConfigurationError

_PLACEHOLDERS: Final = frozenset({"changeme", "your_api_key_here", "your-api-key", "xxx", "todo", "none", "null"})
_LONGEST: Final = 512


class ApiKey:
    """A SetSmart API key.

    `repr`, `str` and formatting show at most the last four characters; it can be neither pickled nor copied into
    JSON; comparing takes the same time whatever differs. `reveal` is called where a request is signed, and
    nowhere else. Raises `ConfigurationError`, which never quotes the key, for a text that can be no key.
    """

    __slots__ = ("_fingerprint", "_secret")

    def __init__(self, secret: str, *, source: str = "api_key") -> None:
        self._secret = self._fingerprint = ""
        try:
            problem = _problem_with(secret)
            if problem:
                raise ConfigurationError(f"The API key from {source} {problem}.")
            self._secret = secret
            self._fingerprint = hashlib.sha256(b"setsmart_async key fingerprint\0" + secret.encode()).hexdigest()[:16]
        finally:
            del secret  # a traceback that shows local variables must not show it

    @classmethod
    def from_file(cls, path: str) -> ApiKey:
        """The key in a file; one newline at its end is dropped."""
        text, problem = "", ""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError) as fault:
            problem = type(fault).__name__
        try:
            if problem:  # raised out here, so that it does not carry the fault, which may quote the file
                raise ConfigurationError(f"The API key file {path} can not be read ({problem}).")
            return cls(text.removesuffix("\n").removesuffix("\r"), source=f"the file {path}")
        finally:
            del text  # as in `__init__`

    def reveal(self) -> str:
        """The key itself."""
        return self._secret

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that tell keys apart and give none away."""
        return self._fingerprint

    def __repr__(self) -> str:
        return f"ApiKey('…{self._secret[-4:]}')" if len(self._secret) >= 16 else "ApiKey('…')"

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKey) and hmac.compare_digest(self._secret.encode(), other._secret.encode())

    def __hash__(self) -> int:
        return hash(self._fingerprint)

    def __reduce__(self) -> NoReturn:
        raise TypeError("An API key can not be pickled or copied: hand the ApiKey itself around.")


KeyProvider: TypeAlias = Callable[[], ApiKey | str | Awaitable[ApiKey | str]]
"""Gives the key to use now; plain or async. Asked again when the last key is a minute old or was refused."""


def _problem_with(secret: str) -> str | None:
    if not secret.strip():
        return "is empty"
    if secret != secret.strip() or any(character.isspace() for character in secret):
        return "holds white space: check for a newline or a blank around it"
    if not secret.isascii() or not secret.isprintable():
        return "holds characters that no header can carry: check for quotes or a byte order mark"
    if secret[0] in "\"'" or secret[-1] in "\"'":
        return "stands in quotes: leave them out"
    if len(secret) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if secret.lower() in _PLACEHOLDERS:
        return "is a placeholder, not a key"
    return None
