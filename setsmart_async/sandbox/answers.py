"""The sandbox's answers: JSON, and one form for every error.

The documentation says that error bodies have a format and leaves the format out; this one is provisional:
``{"error": {"code", "message", "request_id", "errors": [{"field", "message", "code"}]}}``.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from setsmart_async.wire import Headers, HttpResponse, Json, JsonObject, encode_json

HeaderFields = Sequence[tuple[str, str]]
"""Header fields by name and value."""


@attrs.frozen
class FieldProblem:
    """What is wrong with one field or parameter. Quotes no value."""

    field: str
    message: str
    code: str
    """``required``, ``invalid_type``, ``invalid_value`` or ``not_found``."""


class RefusedError(Exception):
    """A request that is answered with an error status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: HeaderFields = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors: tuple[FieldProblem, ...] = tuple(errors)
        self.headers: tuple[tuple[str, str], ...] = tuple(headers)


def invalid(errors: Sequence[FieldProblem], status: int = 400) -> RefusedError:
    """400 for these fields (documented: "bad request (invalid parameters)"), or another status."""
    return RefusedError(status, "invalid_parameters", "The request has invalid parameters.", errors=errors)


def json_answer(status: int, body: Json, headers: HeaderFields = ()) -> HttpResponse:
    """An answer with a JSON body."""
    return HttpResponse(
        status=status, headers=Headers([("Content-Type", "application/json"), *headers]), body=encode_json(body)
    )


def error_answer(refusal: RefusedError, request_id: str, headers: HeaderFields = ()) -> HttpResponse:
    """The answer that a refusal is."""
    errors: list[Json] = [
        {"field": error.field, "message": error.message, "code": error.code} for error in refusal.errors
    ]
    error: JsonObject = {"code": refusal.code, "message": refusal.message, "request_id": request_id, "errors": errors}
    return json_answer(refusal.status, {"error": error}, [*headers, *refusal.headers])
