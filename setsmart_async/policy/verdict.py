"""Which answer is which error.

The documentation says that error bodies have a format and leaves the format out, so the usual shapes of the field
are read into one: status, code, message, field errors, request id. Nothing here fails on any body.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from setsmart_async.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    FieldError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
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
_LONGEST_MESSAGE: Final = 500
_LONGEST_NAME: Final = 100
_MOST_FIELD_ERRORS: Final = 50


def error_for(response: HttpResponse) -> ApiError | None:
    """The error that an answer is, or None for a success (2xx)."""
    status = response.status
    if 200 <= status < 300:
        return None
    body = _json_object(response.body)
    nested = body.get("error")
    detail: JsonObject = nested if isinstance(nested, dict) else body
    return _kind(status)(
        status,
        code=_name(detail.get("code")) or (_name(nested) if _looks_like_code(nested) else None),
        message=_first_text(detail.get("message"), body.get("message"), nested, detail.get("detail")),
        errors=tuple(_field_errors(detail.get("errors", body.get("errors")))),
        retry_after=read_retry_after(
            response.headers.get_all("retry-after"), http_date(response.headers.get("date", ""))
        ),
        request_id=request_id_of(response.headers) or _id_in(detail) or _id_in(body),
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


def _json_object(body: bytes) -> JsonObject:
    try:
        value = decode_json(body)
    except InvalidResponseError:
        return {}
    return value if isinstance(value, dict) else {}


def _field_errors(value: Json) -> Iterator[FieldError]:
    """From ``[{"field", "message", "code"}]`` and ``{"field": ["message"]}``."""
    if isinstance(value, dict):
        for field, messages in list(value.items())[:_MOST_FIELD_ERRORS]:
            first = messages[0] if isinstance(messages, list) and messages else messages
            yield FieldError(_name(field) or "?", _text(first) or "", None)
    elif isinstance(value, list):
        for item in value[:_MOST_FIELD_ERRORS]:
            if isinstance(item, dict):
                field = _name(item.get("field")) or _name(item.get("param")) or "?"
                yield FieldError(field, _text(item.get("message")) or "", _name(item.get("code")))


def _id_in(body: JsonObject) -> str | None:
    return next((value for key in _REQUEST_ID_KEYS if (value := _name(body.get(key)))), None)


def _first_text(*values: Json) -> str | None:
    return next((text for value in values if (text := _text(value))), None)


def _text(value: Json) -> str | None:
    if not isinstance(value, str):
        return None
    printable = "".join(character if character.isprintable() else " " for character in value[:_LONGEST_MESSAGE])
    return printable.strip() or None


def _name(value: Json) -> str | None:
    """A code, field or id that is fit for an error's text: short, and without blanks or odd characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return None
    return value if value.isascii() and value.isprintable() and not set(value) & set(" @<>\"'") else None


def _looks_like_code(value: Json) -> bool:
    return isinstance(value, str) and value.replace("_", "").isalnum() and value.islower()
