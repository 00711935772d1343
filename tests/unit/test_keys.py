"""The API key never shows itself, and what can be no key is refused without an echo."""

import base64
import copy
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from unit.values import everything_on, library_locals

from setsmart_async import ApiKey, ConfigurationError, InvalidResponseError

SECRET = "sk_live/0123456789+canary=tail"
FORMS = (SECRET, SECRET[:-4], quote(SECRET, safe=""), base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex())

SHOWN: dict[str, Callable[[ApiKey], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "f-string": lambda key: f"{key}",
    "f-string with !s": lambda key: f"{key!s}",
    "f-string with a width": lambda key: f"{key:>60}",
    "percent": lambda key: "%s %r" % (key, key),  # noqa: UP031 - one way of showing among others
    "str.format": lambda key: "{} {!r}".format(key, key),  # noqa: UP032 - as above
    "in a container": lambda key: f"{[key]} { ({'key': key}) }",
    "pprint": pprint.pformat,
    "json with default=str": lambda key: json.dumps({"key": key}, default=str),
    "exception": lambda key: repr(ValueError(key)) + str(ValueError(key)),
    "fingerprint": lambda key: key.fingerprint,
    "hash": lambda key: str(hash(key)),
    "attributes": lambda key: " ".join(dir(key)),
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=list(SHOWN))
def test_r42_no_way_of_showing_shows_the_key(shown: Callable[[ApiKey], str]) -> None:
    text = shown(ApiKey(SECRET))
    assert not [form for form in FORMS if form in text]


REFUSING: dict[str, Callable[[ApiKey], object]] = {
    "pickle": pickle.dumps,
    "pickle, first protocol": lambda key: pickle.dumps(key, 0),
    "pickle, in a container": lambda key: pickle.dumps({"key": key}),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
    "msgspec builtins": msgspec.to_builtins,
    "vars": vars,
    "iteration": iter,  # type: ignore[dict-item]  # meant to fail
    "concatenation": lambda key: "X-API-Key: " + key,  # type: ignore[operator]  # as above
    "bytes": bytes,  # type: ignore[dict-item]  # as above
}


@pytest.mark.parametrize("refusing", REFUSING.values(), ids=list(REFUSING))
def test_what_would_copy_the_key_is_refused(refusing: Callable[[ApiKey], object]) -> None:
    with pytest.raises(TypeError) as caught:
        refusing(ApiKey(SECRET))
    assert not [form for form in FORMS if form in everything_on(caught.value)]


def test_a_key_has_no_dict() -> None:
    assert not hasattr(ApiKey(SECRET), "__dict__")


def test_a_log_and_a_traceback_with_locals_do_not_show_it(caplog: pytest.LogCaptureFixture) -> None:
    def use(api_key: ApiKey) -> None:
        logging.getLogger("test").warning("with %s and %r", api_key, {"api_key": api_key})
        raise InvalidResponseError("$", "gone")

    with pytest.raises(InvalidResponseError) as caught:
        use(ApiKey(SECRET))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    text = str(shown.stack[-1].locals) + caplog.text
    assert "ApiKey" in text
    assert not [form for form in FORMS if form in text]


REPRS = [
    ("short", "ApiKey('…')"),
    ("0123456789abcde", "ApiKey('…')"),
    ("0123456789abcdef", "ApiKey('…cdef')"),
    ("a" * 508 + "tail", "ApiKey('…tail')"),
]


@pytest.mark.parametrize(("secret", "text"), REPRS)
def test_a_repr_shows_four_characters_and_of_a_short_key_none(secret: str, text: str) -> None:
    assert repr(ApiKey(secret)) == text


def test_reveal_gives_the_key() -> None:
    assert ApiKey(SECRET).reveal() == SECRET


def test_keys_compare_and_hash_by_what_they_are() -> None:
    assert ApiKey(SECRET) == ApiKey(SECRET, source="elsewhere")
    assert ApiKey(SECRET) != ApiKey(SECRET + "x")
    assert ApiKey(SECRET) != SECRET
    assert len({ApiKey(SECRET), ApiKey(SECRET), ApiKey("another_one")}) == 2


def test_a_fingerprint_tells_keys_apart_by_16_digits() -> None:
    fingerprint = ApiKey(SECRET).fingerprint
    assert len(fingerprint) == 16
    assert set(fingerprint) <= set("0123456789abcdef")
    assert fingerprint == ApiKey(SECRET).fingerprint
    assert fingerprint != ApiKey("another_one").fingerprint


BAD = "canary0123456789"
REFUSED = {
    "nothing": ("", "is empty"),
    "only blanks": ("   ", "is empty"),
    "blank in front": (" " + BAD, "white space"),
    "blank behind": (BAD + " ", "white space"),
    "blank inside": (f"{BAD} {BAD}", "white space"),
    "newline behind": (BAD + "\n", "white space"),
    "carriage return behind": (BAD + "\r", "white space"),
    "header injection": (BAD + "\r\nX-Evil: 1", "white space"),
    "tab": (BAD + "\t", "white space"),
    "no-break space": (BAD + "\xa0", "white space"),
    "NUL": (BAD + "\0", "no header can carry"),
    "control character": (BAD + "\x1b[2J", "no header can carry"),
    "DEL": (BAD + "\x7f", "no header can carry"),
    "no ASCII": (BAD + "ø", "no header can carry"),
    "byte order mark": ("\ufeff" + BAD, "no header can carry"),
    "zero-width space": ("\u200b" + BAD, "no header can carry"),
    "curly quotes": (f"“{BAD}”", "no header can carry"),
    "lone surrogate": (BAD + "\ud800", "no header can carry"),
    "double quotes": (f'"{BAD}"', "quotes"),
    "single quotes": (f"'{BAD}'", "quotes"),
    "a quote in front": (f'"{BAD}', "quotes"),
    "a quote behind": (f"{BAD}'", "quotes"),
    "513 characters": (BAD + "x" * 497, "longer than 512"),
    "changeme": ("changeme", "placeholder"),
    "ChangeMe": ("ChangeMe", "placeholder"),
    "the documentation's own": ("your_api_key_here", "placeholder"),
}


@pytest.mark.parametrize(("secret", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_r33_r45_what_can_be_no_key_is_refused_by_name_without_an_echo(secret: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        ApiKey(secret, source="SETSMART_API_KEY")
    assert "from SETSMART_API_KEY " in str(caught.value)
    assert BAD not in everything_on(caught.value)
    assert BAD not in library_locals(caught.value)


def test_the_longest_key_is_512_characters() -> None:
    assert ApiKey("x" * 512).reveal() == "x" * 512


FILES = {
    "bare": SECRET.encode(),
    "with a newline": SECRET.encode() + b"\n",
    "with a Windows newline": SECRET.encode() + b"\r\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=list(FILES))
def test_a_key_file_may_end_in_one_newline(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "api_key"
    path.write_bytes(content)
    assert ApiKey.from_file(str(path)) == ApiKey(SECRET)


BAD_FILES = {
    "empty": (b"", "is empty"),
    "only a newline": (b"\n", "is empty"),
    "two newlines": (BAD.encode() + b"\n\n", "white space"),
    "two lines": (f"{BAD}\n{BAD}".encode(), "white space"),
    "byte order mark": (b"\xef\xbb\xbf" + BAD.encode(), "byte order mark"),
    "UTF-16": (BAD.encode("utf-16"), "can not be read"),
    "Latin-1": (BAD.encode() + b"\xf8", "can not be read"),
    "binary": (BAD.encode() + b"\0\1", "no header can carry"),
    "quotes": (f'"{BAD}"\n'.encode(), "quotes"),
    "a line of an .env file": (f"SETSMART_API_KEY= {BAD}\n".encode(), "white space"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_r45_a_key_file_with_no_key_is_named_and_not_quoted(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "api_key"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        ApiKey.from_file(str(path))
    assert str(path) in str(caught.value)
    assert BAD not in everything_on(caught.value)
    assert BAD not in library_locals(caught.value)


@pytest.mark.parametrize("name", ["missing", "directory", "", "with\0nul"])
def test_a_key_file_that_can_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()
    path = f"{tmp_path}/{name}"
    with pytest.raises(ConfigurationError, match="can not be read"):
        ApiKey.from_file(path)
