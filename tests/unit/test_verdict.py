"""Which answer is which error: every shape of the field's error bodies in one form."""

import pickle
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.values import CANARY, everything_on, json_values

from setsmart_async import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    FieldError,
    Headers,
    HttpResponse,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    UnexpectedRedirectError,
    UnprocessableError,
)
from setsmart_async.policy.retry import Failure, failure_of
from setsmart_async.policy.verdict import error_for, request_id_of
from setsmart_async.wire import Json, encode_json


def error_from(body: bytes | Json, *, status: int = 400, headers: Sequence[tuple[str, str]] = ()) -> ApiError:
    raw = body if isinstance(body, bytes) else encode_json(body)
    error = error_for(HttpResponse(status=status, headers=Headers(headers), body=raw))
    assert error is not None
    return error


KINDS = {
    300: UnexpectedRedirectError,
    301: UnexpectedRedirectError,
    304: UnexpectedRedirectError,
    307: UnexpectedRedirectError,
    308: UnexpectedRedirectError,
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    418: ApiError,
    422: UnprocessableError,
    425: ApiError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
    527: ServerError,
    999: ServerError,
    101: ApiError,
}


@pytest.mark.parametrize(("status", "kind"), KINDS.items())
def test_which_status_is_which_error(status: int, kind: type[ApiError]) -> None:
    error = error_from(b"", status=status)
    assert type(error) is kind
    assert error.status == status
    assert error.outcome is (Outcome.UNKNOWN if status >= 500 else Outcome.REJECTED)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("body", [b"", b'{"status": "error"}', b'{"error": "no"}'])
def test_success_is_no_error_whatever_the_body(status: int, body: bytes) -> None:
    assert error_for(HttpResponse(status=status, body=body)) is None


@attrs.frozen
class Said:
    code: str | None = None
    message: str | None = None
    errors: tuple[tuple[str, str, str | None], ...] = ()
    request_id: str | None = None


SHAPES: dict[str, tuple[bytes | Json, Said]] = {
    "error object": (
        {"error": {"code": "over_limit", "message": "At most 100", "type": "invalid_request", "param": "limit"}},
        Said("over_limit", "At most 100", (("limit", "At most 100", "over_limit"),)),
    ),
    "error object with a type and no code": (
        {"error": {"message": "At most 100", "type": "invalid_request", "code": None, "param": None}},
        Said("invalid_request", "At most 100"),
    ),
    "error object with field errors": (
        {"error": {"code": "invalid", "message": "No", "errors": [{"field": "name", "message": "blank", "code": "b"}]}},
        Said("invalid", "No", (("name", "blank", "b"),)),
    ),
    "error text and message": ({"error": "Not Found", "message": "No prop_1"}, Said(None, "No prop_1")),
    "error code and message": ({"error": "not_found", "message": "No prop_1"}, Said("not_found", "No prop_1")),
    "OAuth": (
        {"error": "invalid_client", "error_description": "Key revoked"},
        Said("invalid_client", "Key revoked"),
    ),
    "numeric code and error text": ({"code": 429, "error": "Slow down"}, Said("429", "Slow down")),
    "messages": (
        {"messages": ["Name is blank", "Try again"], "code": "E1", "status": "error", "status_code": 400},
        Said("E1", "Name is blank; Try again"),
    ),
    "no messages": ({"messages": [], "code": "E1"}, Said("E1")),
    "reason phrase": ({"status_code": "422", "reason_phrase": "Name is taken"}, Said(None, "Name is taken")),
    "errors by field": (
        {"message": "Invalid", "errors": {"name": ["is blank", "is short"], "bedrooms": "is negative"}},
        Said(
            None,
            "Invalid",
            (("name", "is blank", None), ("name", "is short", None), ("bedrooms", "is negative", None)),
        ),
    ),
    "errors by fields that are called like details": (
        {"errors": {"title": ["is blank"], "code": ["is short"]}},
        Said(None, "is blank", (("title", "is blank", None), ("code", "is short", None))),
    ),
    "errors object with details": (
        {"errors": {"code": "invalid", "title": "Validation failed", "details": {"bedrooms": ["is negative"]}}},
        Said("invalid", "Validation failed", (("bedrooms", "is negative", None),)),
    ),
    "JSON:API": (
        {
            "errors": [
                {
                    "id": "e1",
                    "status": "422",
                    "code": "blank",
                    "title": "Invalid",
                    "detail": "Name is blank",
                    "source": {"pointer": "/data/attributes/name"},
                },
                {"status": "422", "title": "No such filter", "source": {"parameter": "filter"}},
            ]
        },
        Said(
            "blank",
            "Name is blank",
            (("/data/attributes/name", "Name is blank", "blank"), ("filter", "No such filter", None)),
        ),
    ),
    "JSON:API without a source": (
        {"errors": [{"status": "404", "code": "gone", "title": "Not found", "detail": "No prop_1"}]},
        Said("gone", "No prop_1"),
    ),
    "list of texts": ({"errors": ["Name is blank", "Try again"]}, Said(None, "Name is blank; Try again")),
    "list of field errors": (
        {"errors": [{"field": "name", "message": "is blank", "code": "blank"}, {"param": "beds", "message": "no"}]},
        Said("blank", "is blank", (("name", "is blank", "blank"), ("beds", "no", None))),
    ),
    "empty list of errors": ({"message": "No", "errors": []}, Said(None, "No")),
    "problem+json": (
        {
            "type": "https://example.com/probs/credit",
            "title": "Out of credit",
            "status": 403,
            "detail": "30 left, 50 needed",
            "instance": "/accounts/1",
            "errors": [{"pointer": "#/amount", "detail": "is too much"}],
        },
        Said(None, "30 left, 50 needed", (("#/amount", "is too much", None),)),
    ),
    "problem+json, bare": ({"type": "about:blank", "title": "Not Found", "status": 404}, Said(None, "Not Found")),
    "title and detail": ({"title": "Bad", "detail": "Worse"}, Said(None, "Worse")),
    "correlation id": (
        {"message": "No", "code": "E7", "correlation_id": "c-1"},
        Said("E7", "No", request_id="c-1"),
    ),
    "success false with error": ({"success": False, "error": "No such home"}, Said(None, "No such home")),
    "success false with message": ({"success": False, "message": "No such home"}, Said(None, "No such home")),
    "fail with message": ({"status": "fail", "message": "No such home"}, Said(None, "No such home")),
    "fail with result": ({"status": "fail", "result": "No such home"}, Said(None, "No such home")),
    "fail with a result that is none": ({"status": "fail", "result": {"a": 1}}, Said()),
    "a property's own status": ({"id": "prop_1", "status": "active"}, Said()),
    "list of errors at the top": (
        [{"field": "name", "message": "blank"}],
        Said(None, "blank", (("name", "blank", None),)),
    ),
    "HTML": (b"<!DOCTYPE html>\n<html><h1>502 Bad Gateway</h1></html>", Said()),
    "plain text": (b"upstream connect error\n", Said(None, "upstream connect error")),
    "plain text outside UTF-8": (b"Sm\xf8r", Said(None, "Sm\N{REPLACEMENT CHARACTER}r")),
    "empty": (b"", Said()),
    "blank": (b" \r\n", Said()),
    "truncated object": (b'{"error": {"message": "No', Said()),
    "truncated list": (b'["No', Said()),
    "bare text": ("No such home", Said(None, "No such home")),
    "bare number": (429, Said()),
    "null": (None, Said()),
    "true": (True, Said()),
    "empty object": ({}, Said()),
    "nulls": ({"error": None, "message": None, "code": None, "errors": None, "request_id": None}, Said()),
    "booleans": ({"error": True, "message": False, "code": True, "errors": True}, Said()),
    "request id": ({"message": "No", "request_id": "r-1"}, Said(None, "No", request_id="r-1")),
    "requestId": ({"message": "No", "requestId": 17}, Said(None, "No", request_id="17")),
    "request id in meta": ({"message": "No", "meta": {"requestId": "r-2"}}, Said(None, "No", request_id="r-2")),
    "request id in the error": (
        {"error": {"message": "No", "request_id": "r-3"}, "request_id": "r-4"},
        Said(None, "No", request_id="r-3"),
    ),
}


@pytest.mark.parametrize(("body", "said"), SHAPES.values(), ids=list(SHAPES))
def test_every_shape_has_one_form(body: bytes | Json, said: Said) -> None:
    error = error_from(body)
    errors = tuple((one.field, one.message, one.code) for one in error.errors)
    assert Said(error.code, error.message, errors, error.request_id) == said


@pytest.mark.parametrize("name", ["X-Request-Id", "Request-Id", "X-Correlation-ID", "CF-Ray", "x-request-ID"])
def test_a_request_id_is_read_from_these_headers(name: str) -> None:
    error = error_from({"request_id": "of_the_body"}, headers=[(name, "of_the_header")])
    assert error.request_id == request_id_of(Headers([(name, "of_the_header")])) == "of_the_header"


def test_the_more_telling_header_wins() -> None:
    headers = [("CF-Ray", "4"), ("X-Correlation-ID", "3"), ("Request-Id", "2"), ("X-Request-Id", "1")]
    assert [request_id_of(Headers(headers[:number])) for number in range(5)] == [None, "4", "3", "2", "1"]


UNFIT = ["", " ", "a b", "a\nb", "kari@example.com", "<b>", "o'clock", '"', "x" * 101, "ø", "\x1b[2J"]


@pytest.mark.parametrize("text", UNFIT)
def test_what_is_no_identifier_is_no_code_field_or_request_id(text: str) -> None:
    body: Json = {"code": text, "request_id": text, "error": text, "message": "No", "errors": {text: ["bad"]}}
    error = error_from(body, headers=[("X-Request-Id", text)])
    assert (error.code, error.request_id) == (None, None)
    assert error.errors == (FieldError("?", "bad"),)


def test_messages_are_capped_and_stripped_of_control_characters() -> None:
    long: Json = ["\x07" + "y" * 10_000]
    error = error_from({"message": "\x1b[2J\r\nNo\0 " + "x" * 10_000, "errors": {"name": long}})
    assert error.message is not None
    assert error.message.startswith("[2J  No  xxx")
    assert len(error.message) <= 500
    assert error.message.isprintable()
    assert len(error.errors[0].message) <= 500
    assert len(error_from(b"x" * 10_000).message or "") == 500
    assert error_from("\N{HOUSE BUILDING}".encode() * 600).message == "\N{HOUSE BUILDING}" * 500
    assert len(error_from({"errors": list[Json](["x" * 400] * 400)}).message or "") <= 500


FIT: list[tuple[Json, str]] = [
    ("x" * 100, "x" * 100),
    ("validation.name-taken/2", "validation.name-taken/2"),
    (0, "0"),
    (-1, "-1"),
    (10**15 - 1, "999999999999999"),
]


@pytest.mark.parametrize(("value", "code"), FIT)
def test_what_is_an_identifier_is_a_code(value: Json, code: str) -> None:
    assert error_from({"code": value}).code == code


@pytest.mark.parametrize("value", [10**15, -(10**15), 10**400, True, 1.5, [], {}])
def test_what_is_none_is_no_code(value: Json) -> None:
    assert error_from({"code": value}).code is None


MANY_ERRORS: list[Json] = [
    [{"field": f"f{number}"} for number in range(1000)],
    {f"f{number}": "bad" for number in range(1000)},
    {"f": list[Json](["bad"] * 1000)},
]


@pytest.mark.parametrize("errors", MANY_ERRORS, ids=["list", "object", "one field"])
def test_field_errors_are_capped(errors: Json) -> None:
    assert len(error_from({"errors": errors}).errors) == 50


@pytest.mark.parametrize("status", [400, 429, 503])
def test_retry_after_stands_on_the_error(status: int) -> None:
    headers = [("Retry-After", "Mon, 03 May 2021 00:02:00 GMT"), ("Date", "Mon, 03 May 2021 00:00:00 GMT")]
    assert error_from(b"", status=status, headers=headers).retry_after == 120.0
    assert error_from(b"", status=status, headers=[("Retry-After", "soon")]).retry_after is None


NAMES = [
    *("error", "errors", "code", "message", "messages", "detail", "details", "title", "field", "param", "source"),
    *("status", "pointer", "result", "meta", "request_id", "requestId", "type", "error_description", "success"),
]
names = st.sampled_from(NAMES)
texts = st.text(max_size=3).map(lambda text: f"{CANARY}{text}")
bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | texts, inner, max_size=6),
    max_leaves=20,
)


@given(st.integers(300, 599), bodies | json_values(texts))
def test_any_json_is_an_error_whose_text_is_not_the_servers(status: int, body: Json) -> None:
    error = error_from(encode_lenient(body), status=status)
    assert CANARY not in str(error)
    assert CANARY not in repr(error)
    assert CANARY not in repr(error.errors)
    assert error.__context__ is None
    assert error.__cause__ is None


def encode_lenient(body: Json) -> bytes:
    """JSON, with lone surrogates as question marks."""
    try:
        return encode_json(body)
    except UnicodeEncodeError:
        return b"null"


@given(st.integers(100, 199) | st.integers(300, 999), st.binary(), st.lists(st.tuples(names, st.text())))
def test_any_bytes_are_an_error(status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
    error = error_from(body, status=status, headers=headers)
    assert error.status == status
    assert everything_on(error)


REFUSALS = {
    '{"error": {"code": "ip_not_allowed", "message": "Request from 203.0.113.9"}}': "ip_allowlist",
    '{"message": "Your IP is not on the whitelist"}': "ip_allowlist",
    '{"error": "Address not in allow-list"}': "ip_allowlist",
    '{"error": {"code": "missing_scope", "message": "properties:write"}}': "scope",
    '{"message": "Insufficient permissions"}': "scope",
    '{"error": {"code": "key_suspended"}}': "key",
    '{"message": "This API token has expired"}': "key",
    '{"message": "No."}': None,
    '{"message": "A trip is not shipped"}': None,
    "<html>Forbidden</html>": None,
    "": None,
}


@pytest.mark.parametrize(("body", "hint"), REFUSALS.items())
def test_r47_a_403_says_why_as_far_as_its_words_tell(body: str, hint: str | None) -> None:
    error = error_for(HttpResponse(status=403, body=body.encode()))
    assert isinstance(error, PermissionDeniedError)
    assert error.hint == hint
    if hint == "ip_allowlist":
        assert "allow-list: add it" in str(error)
    assert failure_of(error) is Failure.FINAL
    assert pickle.loads(pickle.dumps(error)).hint == hint
