"""Where a command's settings come from: options, the environment, the config file, in this order.

The config file holds what the environment could. While a command runs, what was found is its environment, so that the
library, and whatever the command starts, reads its settings where it always does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, cast

import attrs

from setsmart_async.cli.config_file import CONFIG_VARIABLE, ConfigFile, Section, read_config
from setsmart_async.config import KEY_FILE_VARIABLE, KEY_VARIABLE, REDIS_URL_VARIABLE, URL_VARIABLE
from setsmart_async.contract import PRODUCTION_URL, Dialect
from setsmart_async.errors import ConfigurationError

PROFILE_VARIABLE: Final = "SETSMART_PROFILE"
OUTPUT_VARIABLE: Final = "SETSMART_OUTPUT"
VARIABLES: Final[Mapping[str, str]] = {
    "base_url": URL_VARIABLE,
    "api_key": KEY_VARIABLE,
    "api_key_file": KEY_FILE_VARIABLE,
    "redis_url": REDIS_URL_VARIABLE,
    "output": OUTPUT_VARIABLE,
}
"""Each setting's variable."""


@attrs.frozen(kw_only=True)
class GlobalOptions:
    """The options that every command takes."""

    profile: str | None = None
    config: Path | None = None
    api_key_file: Path | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    """The one that was read from stdin."""


@attrs.frozen
class Found:
    """A setting's value, and where it was found."""

    value: str = attrs.field(repr=False)
    origin: str


@attrs.frozen(kw_only=True)
class Settings:
    """What a command runs with."""

    found: Mapping[str, Found]
    """By name; what nobody has set is missing."""
    dialect: Dialect
    dialect_origins: Mapping[str, str]
    """Where each part of the dialect was set; the others are as the contract has them."""
    profile: Found | None
    config: ConfigFile

    @property
    def base_url(self) -> Found:
        """Where the API is: production, when nobody has said otherwise."""
        return self.found.get("base_url", Found(PRODUCTION_URL, "default"))

    def value(self, name: str) -> str | None:
        """A setting's value; None when nobody has set it."""
        found = self.found.get(name)
        return None if found is None else found.value


_current: ContextVar[Settings] = ContextVar("settings")


def current() -> Settings:
    """The settings of the command that runs now."""
    return _current.get()


def resolved(options: GlobalOptions) -> Settings:
    """The settings that a command runs with. Raises `ConfigurationError` for a config file or profile that is wrong.

    A profile that an option names goes before the environment; one of ``SETSMART_PROFILE`` or of the file behind it.
    """
    file = read_config(options.config)
    profile = _profile(options, file)
    section = _section_of(profile, file)
    origin = f"{file.path}, profile {profile.value}" if profile is not None else ""
    sources: list[Mapping[str, Found]] = [
        _of_options(options),
        _of_environment(),
        _of_section(file.top, str(file.path)),
    ]
    sources.insert(1 if options.profile is not None else 2, _of_section(section, origin))
    dialect = {**file.top.dialect, **section.dialect}
    return Settings(
        found=_merged(sources),
        dialect=_dialect(dialect, file.path),
        dialect_origins={name: origin if name in section.dialect else str(file.path) for name in dialect},
        profile=profile,
        config=file,
    )


@contextmanager
def applied(settings: Settings) -> Generator[None, None, None]:
    """Run a command with these settings: they are its environment until the block ends."""
    before = {variable: os.environ.get(variable) for variable in VARIABLES.values()}
    token = _current.set(settings)
    try:
        for name, variable in VARIABLES.items():
            _set(variable, settings.value(name))
        yield
    finally:
        _current.reset(token)
        for variable, value in before.items():
            _set(variable, value)


def key_from_stdin() -> str:
    """The key on stdin: its first line, what follows is left for ``--input -``; or typed unseen on a terminal."""
    if sys.stdin.isatty():
        from getpass import getpass

        key = getpass("API key: ").strip()
    else:
        key = sys.stdin.buffer.readline().decode("utf-8", "replace").strip()
    if not key:
        raise ConfigurationError("--api-key-stdin: there is no key on stdin.")
    return key


def _set(variable: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = value


def _profile(options: GlobalOptions, file: ConfigFile) -> Found | None:
    if options.profile is not None:
        return Found(options.profile, "--profile")
    if variable := os.environ.get(PROFILE_VARIABLE):
        return Found(variable, PROFILE_VARIABLE)
    return None if file.profile is None else Found(file.profile, str(file.path))


def _section_of(profile: Found | None, file: ConfigFile) -> Section:
    if profile is None:
        return Section(settings={}, dialect={})
    if profile.value not in file.profiles:
        there = f"there are {', '.join(sorted(file.profiles))}" if file.profiles else "there are none"
        where = f"{file.path}" if file.found else f"{file.path}, which is not there ({CONFIG_VARIABLE} names another)"
        raise ConfigurationError(f"{profile.origin}: no profile {profile.value!r} in {where}; {there}.")
    return file.profiles[profile.value]


def _of_options(options: GlobalOptions) -> Mapping[str, Found]:
    found: dict[str, Found] = {}
    if options.api_key is not None:
        found["api_key"] = Found(options.api_key, "--api-key-stdin")
    if options.api_key_file is not None:
        found["api_key_file"] = Found(str(options.api_key_file), "--api-key-file")
    return found


def _of_environment() -> Mapping[str, Found]:
    return {
        name: Found(os.environ[variable], variable) for name, variable in VARIABLES.items() if variable in os.environ
    }


def _of_section(section: Section, origin: str) -> Mapping[str, Found]:
    return {name: Found(value, origin) for name, value in section.settings.items()}


def _merged(sources: list[Mapping[str, Found]]) -> Mapping[str, Found]:
    """Each setting from the first source that has it; a key and a key file are one setting: the key goes first."""
    merged: dict[str, Found] = {}
    for source in sources:
        has_key = "api_key" in merged or "api_key_file" in merged
        for name, found in source.items():
            if name in merged or (has_key and name in ("api_key", "api_key_file")):
                continue
            merged[name] = found
    if "api_key" in merged:
        merged.pop("api_key_file", None)
    return merged


def _dialect(values: Mapping[str, object], path: Path) -> Dialect:
    known = [attribute.name for attribute in attrs.fields(Dialect)]
    if unknown := sorted(values.keys() - set(known)):
        raise ConfigurationError(
            f"The config file {path} has no setting dialect.{unknown[0]}; there are {', '.join(known)}."
        )
    for name, value in values.items():
        default = getattr(Dialect(), name)
        if not isinstance(value, str if default is None else type(default)):
            raise ConfigurationError(f"The config file {path}: dialect.{name} is of another type than it must be.")
    return Dialect(**cast("dict[str, Any]", values))
