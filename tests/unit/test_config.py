"""Settings: the argument, then the environment; checked where they are made."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from unit.values import library_locals

from setsmart_async import ApiKey, CallOptions, ConfigurationError, Priority, RetryPolicy
from setsmart_async.config import key_source_from, origin_from

SECRET = "canary0123456789"


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "api_key"
    path.write_text("key_of_the_file\n")
    return str(path)


def test_a_key_comes_from_the_argument_then_the_variable_then_the_file(key_file: str) -> None:
    file = {"SETSMART_API_KEY_FILE": key_file}
    both = {"SETSMART_API_KEY": "key_of_the_variable", **file}
    assert key_source_from("key_of_the_argument", both).first == ApiKey("key_of_the_argument")
    assert key_source_from(None, both).first == ApiKey("key_of_the_variable")
    assert key_source_from(None, file).first == ApiKey("key_of_the_file")


def test_an_api_key_is_taken_as_it_is() -> None:
    api_key = ApiKey("key_of_the_argument")
    assert key_source_from(api_key, {}).first is api_key


def test_no_key_at_all_says_where_one_could_stand() -> None:
    with pytest.raises(ConfigurationError) as caught:
        key_source_from(None, {"API_KEY": SECRET})
    text = str(caught.value)
    assert all(name in text for name in ("api_key=", "SETSMART_API_KEY (", "SETSMART_API_KEY_FILE", "dashboard"))


BAD_SOURCES: list[tuple[str | None, dict[str, str], str]] = [
    ("", {"SETSMART_API_KEY": SECRET}, "from api_key is empty"),
    (None, {"SETSMART_API_KEY": ""}, "from SETSMART_API_KEY is empty"),
    (None, {"SETSMART_API_KEY": SECRET + "\n"}, "from SETSMART_API_KEY holds white space"),
    (None, {"SETSMART_API_KEY": f'"{SECRET}"'}, "from SETSMART_API_KEY stands in quotes"),
    (None, {"SETSMART_API_KEY": "changeme"}, "from SETSMART_API_KEY is a placeholder"),
    (None, {"SETSMART_API_KEY_FILE": ""}, "can not be read"),
    (None, {"SETSMART_API_KEY_FILE": "/does/not/exist"}, "/does/not/exist can not be read"),
]


@pytest.mark.parametrize(("argument", "environment", "text"), BAD_SOURCES)
def test_a_bad_key_names_its_source_and_nothing_falls_through_to_the_next(
    argument: str | None, environment: dict[str, str], text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        key_source_from(argument, environment)
    assert SECRET not in str(caught.value)


def test_a_base_url_comes_from_the_argument_then_the_variable_then_it_is_productions() -> None:
    environment = {"SETSMART_BASE_URL": "https://variable.example"}
    assert origin_from("https://argument.example", environment).host == "argument.example"
    assert origin_from(None, environment).host == "variable.example"
    assert str(origin_from(None, {})) == "https://api.setsmart.com/v1"


@pytest.mark.parametrize("url", ["sandbox", "Sandbox", "test"])
def test_asking_for_the_unpublished_sandbox_names_the_local_one(url: str) -> None:
    with pytest.raises(ConfigurationError, match="`setsmart sandbox`"):
        origin_from(url, {})
    with pytest.raises(ConfigurationError, match="`setsmart sandbox`"):
        origin_from(None, {"SETSMART_BASE_URL": url})


@pytest.mark.parametrize("url", ["", "http://api.example.com", "https://user:pass@api.example.com"])
def test_a_bad_base_url_in_the_environment_does_not_fall_back_to_production(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base URL"):
        origin_from(None, {"SETSMART_BASE_URL": url})


def raised_by(argument_key: str | None, url: str | None, environment: Mapping[str, str]) -> ConfigurationError:
    try:
        origin_from(url, environment)
        key_source_from(argument_key, environment)
    except ConfigurationError as error:
        return error
    raise AssertionError("nothing was refused")


def test_a_traceback_with_locals_shows_no_key_of_the_environment() -> None:
    good, bad = {"SETSMART_API_KEY": SECRET}, {"SETSMART_API_KEY": SECRET + "\n"}
    errors = [
        raised_by(None, "http://api.example.com", good),
        raised_by(None, None, {**good, "SETSMART_BASE_URL": "sandbox"}),
        raised_by(None, None, bad),
        raised_by(SECRET + "\n", None, {}),
        raised_by("", None, good),
        raised_by(None, None, {"OTHER": SECRET}),
        raised_by(None, None, {"OTHER": SECRET, "SETSMART_API_KEY_FILE": "/does/not/exist"}),
    ]
    assert [SECRET in library_locals(error) for error in errors] == [False] * len(errors)


def test_the_defaults_of_a_call() -> None:
    options = CallOptions()
    assert (options.deadline, options.attempt_timeout, options.max_wait) == (60.0, 30.0, None)
    assert (options.queueing_counts, options.priority, options.retry.max_attempts) == (True, Priority.NORMAL, 3)


TIMES = ["deadline", "attempt_timeout", "max_wait"]


def options(name: str, seconds: float | None) -> CallOptions:
    settings: dict[str, Any] = {name: seconds}
    return CallOptions(**settings)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("seconds", [0, 0.0, -1, -0.001, math.nan, -math.inf])
def test_a_time_that_is_none_is_refused_by_name(name: str, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} must be more than 0 seconds"):
        options(name, seconds)


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("seconds", [0.001, 1, 3600.0, None])
def test_a_time_or_none_is_taken(name: str, seconds: float | None) -> None:
    assert getattr(options(name, seconds), name) == seconds


BAD_POLICIES: list[dict[str, Any]] = [
    {"max_attempts": 0},
    {"max_attempts": -1},
    {"transient_base": 0},
    {"transient_base": -0.1},
    {"transient_base": math.nan},
    {"transient_base": math.inf, "longest_wait": math.inf},
    {"longest_wait": math.nan},
    {"longest_wait": math.inf},
    {"longest_wait": 0},
    {"transient_base": 2.0, "longest_wait": 1.0},
]


@pytest.mark.parametrize("settings", BAD_POLICIES, ids=str)
def test_a_retry_policy_that_can_not_work_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="RetryPolicy"):
        RetryPolicy(**settings)


@pytest.mark.parametrize("settings", [{"max_attempts": 1}, {"transient_base": 1.0, "longest_wait": 1.0}], ids=str)
def test_the_narrowest_retry_policies_are_taken(settings: dict[str, Any]) -> None:
    RetryPolicy(**settings)
