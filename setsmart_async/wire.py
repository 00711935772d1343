"""HTTP as this library speaks of it: our own values, and the one place where JSON is read and written."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar, Union, overload
from urllib.parse import quote, urlencode

import attrs
import msgspec

from setsmart_async.errors import ConfigurationError, InvalidResponseError

Json: TypeAlias = Union[bool, int, float, str, "JsonArray", "JsonObject", None]
"""What a JSON text holds."""
JsonArray: TypeAlias = list[Json]
JsonObject: TypeAlias = dict[str, Json]
Query: TypeAlias = Mapping[str, str]
T = TypeVar("T")

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()
_BASE_URL: Final = re.compile(
    r"(https?)://(\[[0-9a-f.]*:[0-9a-f:.]*\]|[a-z0-9._-]+)(?::([0-9]{1,5}))?((?:/[^/?#]*)*)", re.ASCII | re.IGNORECASE
)
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_~-]+")  # RFC 3986, 2.3; without the dot, for dot segments are refused
_MOST_NAMES: Final = 256
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:-]+)*/?")


def decode_json(body: bytes) -> Json:
    """Read a JSON text (RFC 8259, strict UTF-8, finite numbers; of duplicate keys the last one wins).

    Raises `InvalidResponseError` for anything else; its text quotes nothing of the body.
    """
    try:
        decoded: Json = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        kind = type(fault).__name__
    else:
        return decoded
    # Raised out here, so that it does not carry the fault as its context: that one may quote the body.
    reason = "an empty body where JSON was expected" if not body.strip() else "the body is not valid JSON"
    raise InvalidResponseError("$", f"{reason} ({kind})")


def encode_json(value: object) -> bytes:
    """Write JSON as UTF-8. Takes what `Json` names; the codec turns records into that first."""
    return _encoder.encode(value)


class Headers(Mapping[str, str]):
    """Header fields of an answer: names in any case; of a field sent twice, `[]` gives the last, `get_all` all."""

    __slots__ = ("_fields", "values_of")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        fields: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            lowered = name.lower()
            fields[lowered] = (*fields[lowered], value) if lowered in fields else (value,)
        self._fields = fields
        self.values_of: Callable[[str], tuple[str, ...] | None] = fields.get
        """Every value of a field whose name is given in lower case; None when it is missing."""

    @classmethod
    def from_raw(cls, pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
        """The fields as they came over the wire; what is not UTF-8 in them is replaced."""
        try:
            fields: dict[str, tuple[str, ...]] = {_NAMES[name]: (value.decode(),) for name, value in pairs}
        except UnicodeDecodeError:
            fields = {}
        if len(fields) != len(pairs):  # seldom: a field that came twice, or one that is not UTF-8
            return cls((_NAMES[name], value.decode("utf-8", "replace")) for name, value in pairs)
        headers = cls.__new__(cls)
        headers._fields, headers.values_of = fields, fields.get
        return headers

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()][-1]

    @overload
    def get(self, key: str, /) -> str | None: ...
    @overload
    def get(self, key: str, /, default: str) -> str: ...
    @overload
    def get(self, key: str, /, default: T) -> str | T: ...
    def get(self, key: str, /, default: object = None) -> object:
        """The last value of a field, or the default. Overrides `Mapping.get`, which pays for an exception."""
        values = self._fields.get(key.lower())
        return default if values is None else values[-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields)})"

    def get_all(self, name: str) -> Sequence[str]:
        """Every value of a field, in the order received; empty when it is missing."""
        return self._fields.get(name.lower(), ())

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every field as a pair of lower-case name and value."""
        return ((name, value) for name, values in self._fields.items() for value in values)


class _Names(dict[bytes, str]):
    """Names of fields in lower case; kept, for a server sends the same few again and again."""

    def __missing__(self, name: bytes) -> str:
        lowered = name.decode("utf-8", "replace").lower()
        if len(self) < _MOST_NAMES:
            self[name] = lowered
        return lowered


_NAMES: Final = _Names()


@attrs.frozen
class Origin:
    """Where an API lives: scheme, host, port and the path before every endpoint's own."""

    scheme: str
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{host}{'' if self.port == default else f':{self.port}'}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host can only be this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @classmethod
    def parse(cls, url: str) -> Origin:
        """Read a base URL.

        Raises `ConfigurationError` for what can not be meant or must not be used: another scheme than http(s),
        plain http off a loopback address ("requests made over HTTP will be rejected", SetSmart's documentation),
        credentials, a query, a fragment, and hosts that only look like names (``2130706433``, ``host.``).
        """
        if "@" in url:
            raise ConfigurationError("The base URL holds credentials; pass the API key on its own.")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ConfigurationError(f"The base URL {_shown(url)} has a character that does not belong in a URL.")
        if "?" in url or "#" in url:
            raise ConfigurationError(f"The base URL {_shown(url)} has a query or a fragment; leave them out.")
        form = _BASE_URL.fullmatch(url)
        if form is None:
            raise ConfigurationError(f"The base URL {_shown(url)} is not of the form https://host:port/path.")
        scheme, host, path = form[1].lower(), form[2].strip("[]").lower(), form[4].rstrip("/")
        if not _is_plain_host(host):
            raise ConfigurationError(f"The base URL's host {host!r} is not a plain host name or IP address.")
        port = int(form[3] or (443 if scheme == "https" else 80))
        if not 0 < port < 65536:
            raise ConfigurationError(f"The base URL {_shown(url)} has an impossible port.")
        if not is_plain_path(path):
            raise ConfigurationError(
                f"The base URL {_shown(url)} has a path with dots, doubled slashes, escapes or odd characters."
            )
        origin = cls(scheme, host, port, path)
        if scheme == "http" and not origin.is_loopback:
            raise ConfigurationError(
                f"The base URL {_shown(url)} is plain http, which would send the API key unencrypted. "
                "Use https; http is allowed only on a loopback address such as http://127.0.0.1:8080."
            )
        return origin


def _shown(url: str) -> str:
    """The URL without what may be a secret in it; one with credentials is never shown."""
    return repr(url.split("?", 1)[0].split("#", 1)[0])


def _is_plain_host(host: str) -> bool:
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    labels = host.split(".")
    if all(label.isdigit() or label[:2] == "0x" for label in labels):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return False
        return True
    return all(label and label.replace("-", "").replace("_", "").isalnum() for label in labels)


def is_plain_path(path: str) -> bool:
    """Whether a path reads the same to everyone: no dot segments, empty segments, escapes, query or odd characters."""
    return _PATH.fullmatch(path) is not None and not any(segment in (".", "..") for segment in path.split("/"))


def path_segment(text: str) -> str:
    """An id as exactly one path segment, percent-encoded.

    Raises `ValueError` for what no encoding makes safe: empty, ``.`` and ``..`` (proxies fold them), control
    characters, lone surrogates, and more than 512 characters. Raises `TypeError` for what is no text.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not every caller has a checker
        raise TypeError(f"An id is a text, not {type(text).__name__}.")
    if text in ("", ".", ".."):
        raise ValueError(f"An id must not be {text!r}.")
    if len(text) > 512:
        raise ValueError("An id must not be longer than 512 characters.")
    if _UNRESERVED.fullmatch(text):
        return text
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("An id must not hold control characters.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError("An id must be valid Unicode.") from None


def checked_idempotency_key(text: str) -> str:
    """The key as it is, when a header can carry it. Raises `ValueError`: 1 to 255 printable ASCII characters."""
    if not 1 <= len(text) <= 255 or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("An idempotency key must be 1 to 255 printable ASCII characters without blanks.")
    return text


def target_of(path: str, query: Query) -> str:
    """Path and query as they stand in the request line."""
    return f"{path}?{query_text(query)}" if query else path


def query_text(query: Query) -> str:
    """Query parameters as they stand behind the question mark. What needs no escapes goes without `urlencode`."""
    plain = _UNRESERVED.fullmatch
    if all(plain(name) and plain(value) for name, value in query.items()):
        return "&".join([f"{name}={value}" for name, value in query.items()])
    return urlencode(query)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request, complete. Its `repr` shows neither headers nor body."""

    method: str
    origin: Origin
    target: str
    """Path and query below the origin's path, encoded; starts with one slash."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    body: bytes | None = None
    fresh_connection: bool = False
    """Never send on a connection that was used before: for writes that must not be repeated."""

    @property
    def url(self) -> str:
        """The absolute URL."""
        return f"{self.origin}{self.target}"

    def __repr__(self) -> str:
        return f"HttpRequest({self.method} {self.url})"


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One complete answer: the body is whole and decompressed. Its `repr` shows no body."""

    status: int
    headers: Headers = msgspec.field(default_factory=Headers)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {self.headers})"
