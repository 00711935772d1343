"""``setsmart config``: which settings hold, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from cyclopts import App

from setsmart_async.cli.output import OutputOption, layout_for, writer_for
from setsmart_async.cli.settings import Found, Settings, current
from setsmart_async.config import origin_from
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey
from setsmart_async.wire import JsonObject

_COLUMNS: Final = ("setting", "value", "origin")

app: App = App(name="config", help="Which settings hold, and where each of them comes from.")


@app.command
def show(*, output: OutputOption = None) -> None:
    """Show every setting with its value and its origin; of the key its fingerprint alone. Asks no server."""
    writer = writer_for(layout_for(output, None, columns=_COLUMNS, all_columns=_COLUMNS))
    for name, value, origin in _rows(current()):
        row: JsonObject = {"setting": name, "value": value, "origin": origin}
        writer.write(row)
    writer.end()


@app.command
def path() -> None:
    """Print where the config file is, or would be."""
    print(current().config.path)


def _rows(settings: Settings) -> Iterator[tuple[str, str | None, str]]:
    file = settings.config
    yield "config", str(file.path), "is there" if file.found else "is not there, and need not be"
    yield "profile", *_shown(settings.profile)
    yield "base_url", _address(settings.base_url.value), settings.base_url.origin
    yield "api_key", *key_shown(settings)
    yield "api_key_file", *_shown(settings.found.get("api_key_file"))
    redis = settings.found.get("redis_url")
    yield "redis_url", None if redis is None else without_credentials(redis.value), _shown(redis)[1]
    yield "output", *_shown(settings.found.get("output"))
    for name, origin in settings.dialect_origins.items():
        yield f"dialect.{name}", str(getattr(settings.dialect, name)), origin


def key_shown(settings: Settings) -> tuple[str | None, str]:
    """The fingerprint of the key in use, or what is wrong with it, and where it comes from."""
    found, file = settings.found.get("api_key"), settings.found.get("api_key_file")
    try:
        if found is not None:
            return f"fingerprint {ApiKey(found.value, source=found.origin).fingerprint}", found.origin
        if file is not None:
            return f"fingerprint {ApiKey.from_file(file.value).fingerprint}", f"{file.value} ({file.origin})"
    except ConfigurationError as problem:
        return f"unusable: {problem}", found.origin if found is not None else "api_key_file"
    return None, "not set"


def without_credentials(url: str) -> str:
    """An address without user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "unusable"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _address(url: str) -> str:
    try:
        return str(origin_from(url, {}))
    except ConfigurationError as problem:
        return f"unusable: {problem}"


def _shown(found: Found | None) -> tuple[str | None, str]:
    return (None, "not set") if found is None else (found.value, found.origin)
