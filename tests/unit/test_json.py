"""The one place where JSON is read: any bytes give a value or one kind of error, which quotes nothing."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.values import CANARY, everything_on, json_values

from setsmart_async import InvalidResponseError
from setsmart_async.wire import Json, decode_json, encode_json

TEXT = f'{{"guest": "{CANARY}"}}'

REFUSED = {
    "nothing": b"",
    "only blanks": b" \r\n",
    "invalid UTF-8 in a text": TEXT.encode().replace(b"Kari", b"Kari\xff"),
    "invalid UTF-8 outside": b"\xff" + TEXT.encode(),
    "Latin-1": '{"name": "Åsane"}'.encode("latin-1"),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-32": TEXT.encode("utf-32"),
    "byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "100 000 brackets": b"[" * 100_000,
    "100 000 nested arrays": b"[" * 100_000 + b"]" * 100_000,
    "100 000 nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "an integer of 5 000 digits": b"9" * 5_000,
    "cut short": TEXT.encode()[:-1],
    "cut inside a text": TEXT.encode()[:-3],
    "cut inside an escape": rb'{"name": "\u00',
    "a page of HTML": f"<html><body>{CANARY}</body></html>".encode(),
    "plain text": CANARY.encode(),
    "two values": TEXT.encode() * 2,
    "trailing comma": b"[1,]",
    "single quotes": b"{'a': 1}",
    "comment": b"[1] // one",
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "-1e999": b"[-1e999]",
    "lone high surrogate": rb'"\ud800"',
    "lone low surrogate": rb'"\udc00"',
    "surrogates swapped": rb'"\udc00\ud800"',
    "surrogate bytes": b'"\xed\xa0\x80"',
    "overlong slash": b'"\xc0\xaf"',
    "raw control character": b'"a\nb"',
    "NUL behind": b"{}\0",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=list(REFUSED))
def test_r23_r24_what_is_not_strict_json_is_one_kind_of_error_without_a_quote(body: bytes) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_json(body)
    assert "Kari" not in everything_on(caught.value)
    assert "Nordmann" not in everything_on(caught.value)


@pytest.mark.parametrize("body", [b"", b"  "])
def test_an_empty_body_is_called_so(body: bytes) -> None:
    with pytest.raises(InvalidResponseError, match="an empty body"):
        decode_json(body)


READ: dict[str, tuple[bytes, Json]] = {
    "documented property": (b'{"id": "prop_123", "bedrooms": 3}', {"id": "prop_123", "bedrooms": 3}),
    "last duplicate key wins": (b'{"a": 1, "a": 2}', {"a": 2}),
    "escaped surrogate pair": (rb'"\ud83c\udfe0"', "\U0001f3e0"),
    "raw emoji": ('"\U0001f3e0"'.encode(), "\U0001f3e0"),
    "escaped NUL": (rb'"\u0000"', "\0"),
    "blanks around": (b"\r\n [1] \t", [1]),
    "more than 64 bits": (b"36893488147419103232", 2**65),
    "a float stays a float": (b"[1.0, 1.5, 1e2]", [1.0, 1.5, 100.0]),
    "bare scalars": (b"[null, true, false, 0, -0]", [None, True, False, 0, 0]),
}


@pytest.mark.parametrize(("body", "value"), READ.values(), ids=list(READ))
def test_what_is_read(body: bytes, value: Json) -> None:
    decoded = decode_json(body)
    assert decoded == value
    assert repr(decoded) == repr(value)


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_r23_any_bytes_give_a_value_or_an_invalid_response(body: bytes) -> None:
    with contextlib.suppress(InvalidResponseError):
        decode_json(body)


@given(json_values())
def test_what_is_written_is_read_back(value: Json) -> None:
    assert decode_json(encode_json(value)) == value


@given(json_values())
def test_it_reads_as_the_standard_library_does(value: Json) -> None:
    body = json.dumps(value).encode()
    assert decode_json(body) == json.loads(body)
