"""Which answer is which error.

The documentation says that error bodies have a format and leaves the format out, so the usual shapes of the field
are read into one: status, code, message, field errors, request id. Nothing here fails on any body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Final

import attrs

from setsmart_async.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    FieldError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    PermissionHint,
    RateLimitError,
    ServerError,
    UnexpectedRedirectError,
    UnprocessableError,
)
from setsmart_async.policy.quota import http_date, read_retry_after
from setsmart_async.wire import Headers, HttpResponse, Json, JsonObject, decode_json

_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    422: UnprocessableError,
    429: RateLimitError,
}
_REQUEST_ID_HEADERS: Final = ("x-request-id", "request-id", "x-correlation-id", "cf-ray")
_REQUEST_ID_KEYS: Final = ("request_id", "requestId", "correlation_id")
_MESSAGE_KEYS: Final = ("message", "error_description", "detail", "title", "reason_phrase")
_FIELD_KEYS: Final = ("field", "param", "parameter", "pointer")
_PERMISSION_HINTS: Final[tuple[tuple[PermissionHint, re.Pattern[str]], ...]] = (
    (
        "ip_allowlist",
        re.compile(r"(?i)\bip\b|(?<![a-z])ip_|allow[ _-]?list|white[ _-]?list|(?:remote|client|source) address"),
    ),
    ("scope", re.compile(r"(?i)scope|permission|privilege|insufficient|not authori[sz]ed|forbidden for|role\b")),
    ("key", re.compile(r"(?i)key|token|suspended|disabled|revoked|expired|account")),
)
_LONGEST_MESSAGE: Final = 500
_LONGEST_NAME: Final = 100
_MOST_COMPLAINTS: Final = 50


def error_for(response: HttpResponse) -> ApiError | None:
    """The error that an answer is, or None for a success (2xx)."""
    status = response.status
    if 200 <= status < 300:
        return None
    holders = _holders(_body_of(response.body))
    complaints = _complaints(holders)
    code, message = _code(holders, complaints), _message(holders, complaints)
    kind: Callable[..., ApiError] = _kind(status)
    if status == 403:
        kind = partial(PermissionDeniedError, hint=_permission_hint(f"{code} {message}"))
    return kind(
        status,
        code=code,
        message=message,
        errors=[FieldError(one.field, one.text, one.code) for one in complaints if one.field is not None],
        retry_after=read_retry_after(
            response.headers.get_all("retry-after"), http_date(response.headers.get("date", ""))
        ),
        request_id=request_id_of(response.headers) or _id_in(holders),
    )


def request_id_of(headers: Headers) -> str | None:
    """The server's name for the request, from its headers."""
    for name in _REQUEST_ID_HEADERS:
        if value := _name(headers.get(name)):
            return value
    return None


def _kind(status: int) -> type[ApiError]:
    if status >= 500:
        return ServerError
    if 300 <= status < 400:
        return UnexpectedRedirectError
    return _BY_STATUS.get(status, ApiError)


def _permission_hint(words: str) -> PermissionHint | None:
    return next((hint for hint, pattern in _PERMISSION_HINTS if pattern.search(words)), None)


def _body_of(body: bytes) -> Json:
    """The body's JSON; a plain text as a JSON text; None for HTML, for JSON that is damaged, and for nothing."""
    try:
        return decode_json(body)
    except InvalidResponseError:
        text = body[: 4 * _LONGEST_MESSAGE].decode(errors="replace").strip()
        return None if text.startswith(("<", "{", "[")) else text


def _holders(body: Json) -> list[JsonObject]:
    """The objects that speak of the error, the most telling first."""
    if isinstance(body, str):
        return [{"message": body}]
    if isinstance(body, list):
        return [{"errors": body}]
    if not isinstance(body, dict):
        return []
    holders = [body]
    errors, error = body.get("errors"), body.get("error")
    if isinstance(errors, dict) and isinstance(errors.get("details"), dict | list):
        holders.insert(0, errors)
    if isinstance(error, dict):
        holders.insert(0, error)
    return holders


def _code(holders: list[JsonObject], complaints: list[_Complaint]) -> str | None:
    candidates = [holder.get("code") for holder in holders]
    candidates += [holder.get("type") for holder in holders[:-1]]  # a problem's own `type` is an address, no code
    candidates += [text for holder in holders if _looks_like_code(text := holder.get("error"))]
    candidates += [one.code for one in complaints[:1]]
    return next((code for value in candidates if (code := _name(value))), None)


def _message(holders: list[JsonObject], complaints: list[_Complaint]) -> str | None:
    said: list[Json] = [holder.get(key) for holder in holders for key in _MESSAGE_KEYS]
    said += [holder.get(key) for holder in holders for key in ("error", "result")]
    said += [_joined(holder.get("messages")) for holder in holders]
    said += ["; ".join(one.text for one in complaints if one.field is None)]
    said += [one.text for one in complaints]
    return next((text for value in said if (text := _text(value))), None)


@attrs.frozen
class _Complaint:
    """One of an answer's several errors; `field` is None when it is about no field."""

    field: str | None
    text: str
    code: str | None


def _complaints(holders: list[JsonObject]) -> list[_Complaint]:
    for holder in holders:
        for key in ("errors", "details"):
            if found := list(islice(_listed(holder.get(key)), _MOST_COMPLAINTS)):
                return found
    return [one for holder in holders if (one := _complaint(holder)).field is not None]


def _listed(value: Json) -> Iterator[_Complaint]:
    """From a list of objects or texts, and from ``{"field": ["message"]}``."""
    if isinstance(value, dict):
        for field, messages in value.items():
            for message in messages if isinstance(messages, list) else [messages]:
                yield attrs.evolve(_complaint(message), field=_name(field) or "?")
    elif isinstance(value, list):
        yield from map(_complaint, value)


def _complaint(value: Json) -> _Complaint:
    if not isinstance(value, dict):
        return _Complaint(None, _text(value) or "", None)
    source = value.get("source")
    places = (value, source) if isinstance(source, dict) else (value,)
    named = (place[key] for place in places for key in _FIELD_KEYS if place.get(key) is not None)
    field = next((_name(name) or "?" for name in named), None)
    text = next((text for key in _MESSAGE_KEYS if (text := _text(value.get(key)))), "")
    return _Complaint(field, text, _name(value.get("code")))


def _id_in(holders: list[JsonObject]) -> str | None:
    metas = [meta for holder in holders if isinstance(meta := holder.get("meta"), dict)]
    places = [*holders, *metas]
    return next((name for place in places for key in _REQUEST_ID_KEYS if (name := _name(place.get(key)))), None)


def _joined(value: Json) -> str:
    texts = value[:_MOST_COMPLAINTS] if isinstance(value, list) else []
    return "; ".join(filter(None, map(_text, texts)))


def _text(value: Json) -> str | None:
    if not isinstance(value, str):
        return None
    printable = "".join(character if character.isprintable() else " " for character in value[:_LONGEST_MESSAGE])
    return printable.strip() or None


def _name(value: Json) -> str | None:
    """A code, field or id that is fit for an error's text: short, and without blanks or odd characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 10**15 else None
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return None
    return value if value.isascii() and value.isprintable() and not set(value) & set(" @<>\"'") else None


def _looks_like_code(value: Json) -> bool:
    return isinstance(value, str) and value.replace("_", "").isalnum() and value.islower()
