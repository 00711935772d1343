"""Settings: from arguments, then the environment; checked where they are made, before any I/O."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import Final

import attrs

from setsmart_async.contract import PRODUCTION_URL
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey, KeyProvider
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.priority import Priority
from setsmart_async.wire import Origin

KEY_VARIABLE: Final = "SETSMART_API_KEY"
KEY_FILE_VARIABLE: Final = "SETSMART_API_KEY_FILE"
URL_VARIABLE: Final = "SETSMART_BASE_URL"
REDIS_URL_VARIABLE: Final = "SETSMART_REDIS_URL"


@attrs.frozen(kw_only=True)
class CallOptions:
    """How one call is made; `SetSmart.with_options` changes them. Times in seconds; None means no limit."""

    deadline: float | None = 60.0
    """For the whole call: queueing, waiting, sending and reading, all attempts together."""
    queueing_counts: bool = True
    """Whether time spent waiting for quota counts against the deadline."""
    attempt_timeout: float | None = 30.0
    """For one attempt, connecting included."""
    max_wait: float | None = None
    """The longest wait for quota before a call is refused with `RateLimitWaitError`."""
    priority: Priority = Priority.NORMAL
    """Who goes first when quota is short."""
    retry: RetryPolicy = attrs.field(factory=RetryPolicy)
    """How often and how fast a failed attempt is repeated."""

    def __attrs_post_init__(self) -> None:
        times = {"deadline": self.deadline, "attempt_timeout": self.attempt_timeout, "max_wait": self.max_wait}
        for name, seconds in times.items():
            if seconds is not None and not seconds > 0:
                raise ConfigurationError(f"{name} must be more than 0 seconds, or None for no limit.")


@attrs.frozen
class KeySource:
    """Where a client's key comes from: a key that is known, a provider of others, or both."""

    first: ApiKey | None
    provider: KeyProvider | None = None


def key_source_from(argument: ApiKey | KeyProvider | str | None, environment: Mapping[str, str]) -> KeySource:
    """The key from the argument, else ``SETSMART_API_KEY``, else the file named by ``SETSMART_API_KEY_FILE``.

    A file is read again when its key is a minute old or was refused. Raises `ConfigurationError` when there is no key
    or it can be none.
    """
    try:
        if isinstance(argument, ApiKey):
            return KeySource(argument)
        if isinstance(argument, str):
            return KeySource(ApiKey(argument))
        if argument is not None:
            return KeySource(None, argument)
        if KEY_VARIABLE in environment:
            return KeySource(ApiKey(environment[KEY_VARIABLE], source=KEY_VARIABLE))
        if KEY_FILE_VARIABLE in environment:
            path = environment[KEY_FILE_VARIABLE]
            return KeySource(ApiKey.from_file(path), partial(_read_again, path))
        raise ConfigurationError(
            f"No API key: set {KEY_VARIABLE} (in code also api_key=...), or {KEY_FILE_VARIABLE} to a file that "
            "holds it. Keys are made in the SetSmart dashboard."
        )
    finally:
        del argument, environment  # a traceback that shows local variables must not show a key


def _read_again(path: str) -> Awaitable[ApiKey]:
    return asyncio.to_thread(ApiKey.from_file, path)


def origin_from(argument: str | None, environment: Mapping[str, str]) -> Origin:
    """The base URL from the argument, else ``SETSMART_BASE_URL``, else production's (documented).

    Raises `ConfigurationError` for a URL that must not be used, see `Origin.parse`.
    """
    url = argument if argument is not None else environment.get(URL_VARIABLE, PRODUCTION_URL)
    del environment  # a traceback that shows local variables must not show the key in it
    if url.lower() in ("sandbox", "test"):
        raise ConfigurationError(
            "SetSmart does not publish its hosted sandbox's URL: pass the one you were given as base_url, or start "
            "a local one with `setsmart sandbox` and pass the URL that it prints."
        )
    return Origin.parse(url)
