"""Answers that are errors, one class for each status that the documentation or the field knows, and unusable ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from setsmart_async.errors.base import CallError, FieldError, Outcome


class ApiError(CallError):
    """The server answered with an error status.

    `code`, `message` and `errors` are the server's, in one form whatever the body's shape (see `policy.verdict`).
    """

    default_outcome = Outcome.REJECTED
    advice: str = "See `message` and `errors` for the server's own words."

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        outcome: Outcome | None = None,
        request_id: str | None = None,
    ) -> None:
        text = f"SetSmart answered {status} ({code})" if code else f"SetSmart answered {status}"
        if errors:
            text += " about " + ", ".join(dict.fromkeys(error.field for error in errors))
        super().__init__(f"{text}. {self.advice}", outcome=outcome, request_id=request_id)
        self.status = status
        self.code = code
        self.message = message
        self.errors: tuple[FieldError, ...] = tuple(errors)
        self.retry_after = retry_after


class BadRequestError(ApiError):
    """400: a parameter is missing or invalid (documented)."""

    advice = "A parameter is missing or invalid: see `errors` and `message`."


class AuthenticationError(ApiError):
    """401: the API key is invalid (documented)."""

    advice = "The API key is not accepted: check it against the SetSmart dashboard; it may have been rotated."


PermissionHint: TypeAlias = Literal["scope", "ip_allowlist", "key"]
"""Why a 403: a permission is missing, the address is not allowed, or the key is suspended or another account's."""
_PERMISSION_ADVICE: Final[Mapping[PermissionHint | None, str]] = {
    None: "The API key may not do this, or this machine's address is not on the key's allow-list.",
    "scope": "The API key lacks the permission for this: grant it in the SetSmart dashboard.",
    "ip_allowlist": "This machine's address is not on the API key's allow-list: add it in the SetSmart dashboard.",
    "key": "The API key is suspended, or another account's: check it in the SetSmart dashboard.",
}


class PermissionDeniedError(ApiError):
    """403: the key lacks a permission (documented), or the address is not on its allow-list. Never retried.

    `hint` says which, read off the server's own words; None when they tell nothing.
    """

    advice: str = _PERMISSION_ADVICE[None]

    def __init__(
        self,
        status: int,
        *,
        code: str | None = None,
        message: str | None = None,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
        outcome: Outcome | None = None,
        request_id: str | None = None,
        hint: PermissionHint | None = None,
    ) -> None:
        self.hint = hint
        self.advice = _PERMISSION_ADVICE[hint]
        super().__init__(
            status,
            code=code,
            message=message,
            errors=errors,
            retry_after=retry_after,
            outcome=outcome,
            request_id=request_id,
        )


class NotFoundError(ApiError):
    """404 (documented) or 410: no such resource."""

    advice = "No such resource: check the id; it may have been deleted."


class ConflictError(ApiError):
    """409 (provisional): the resource's state does not allow this."""

    advice = "The resource's state does not allow this: read it again before you decide."


class UnprocessableError(ApiError):
    """422 (provisional): the values were understood and refused."""

    advice = "The server refuses these values: see `errors`."


class RateLimitError(ApiError):
    """429: the quota is used up (documented). `retry_after` is in seconds, when the server named it."""

    advice = "The quota is used up; another program may be using the same API key."


class ServerError(ApiError):
    """5xx: the server failed (500 is documented)."""

    default_outcome = Outcome.UNKNOWN
    advice = "The server failed; try again later."


class UnexpectedRedirectError(ApiError):
    """3xx: redirects are refused."""

    advice = "Redirects are refused, for they would carry the key to another address: check the base URL."


class InvalidResponseError(CallError):
    """An answer that is not what the contract says. `path` names the first wrong place, `problems` all."""

    default_outcome = Outcome.APPLIED

    def __init__(
        self,
        path: str,
        reason: str,
        *,
        problems: Sequence[tuple[str, str]] = (),
        outcome: Outcome | None = None,
    ) -> None:
        more = f" (and {len(problems) - 1} more: see `problems`)" if len(problems) > 1 else ""
        super().__init__(f"Unusable answer at {path}: {reason}{more}.", outcome=outcome)
        self.path = path
        self.reason = reason
        self.problems: tuple[tuple[str, str], ...] = tuple(problems) or ((path, reason),)
