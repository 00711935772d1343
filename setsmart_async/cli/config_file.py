"""The config file: TOML, at the platform's place for it, or where SETSMART_CONFIG says."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

import attrs

from setsmart_async.errors import ConfigurationError

CONFIG_VARIABLE: Final = "SETSMART_CONFIG"
FILE_SETTINGS: Final = ("base_url", "api_key_file", "redis_url", "output")
"""What a config file may set, at its top and in each profile; a table ``dialect`` beside them."""

_TOP: Final = (*FILE_SETTINGS, "dialect", "profile", "profiles")


@attrs.frozen(kw_only=True)
class Section:
    """The settings of a file's top, or of one profile."""

    settings: Mapping[str, str]
    dialect: Mapping[str, object]
    """What goes into `Dialect`."""


@attrs.frozen(kw_only=True)
class ConfigFile:
    """What a config file says; one that is not there says nothing."""

    path: Path
    found: bool
    top: Section
    profile: str | None
    """The profile that is used when nobody names one."""
    profiles: Mapping[str, Section]


def default_path(environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where the config file lies when nothing else is said.

    ``$XDG_CONFIG_HOME`` or ``~/.config`` (XDG Base Directory Specification), ``%APPDATA%`` on Windows, and
    ``~/Library/Application Support`` on macOS.
    """
    if platform == "win32":
        base = Path(environment.get("APPDATA") or "~/AppData/Roaming")
    elif platform == "darwin":
        base = Path("~/Library/Application Support")
    else:
        base = Path(environment.get("XDG_CONFIG_HOME") or "~/.config")
    return base.expanduser() / "setsmart" / "config.toml"


def read_config(named: Path | None) -> ConfigFile:
    """The config file that was named, by an option or by SETSMART_CONFIG, else the one at the default place.

    Raises `ConfigurationError` for one that was named and is not there, and for one with something wrong in it. What
    it holds is never quoted: somebody may have put a key there.
    """
    if named is None and (variable := os.environ.get(CONFIG_VARIABLE)):
        named = Path(variable)
    path = default_path(os.environ) if named is None else named.expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named is not None:
            raise ConfigurationError(f"There is no config file {path}.") from None
        return ConfigFile(path=path, found=False, top=_section({}, path, ""), profile=None, profiles={})
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"The config file {path} can not be read ({type(fault).__name__}).") from None
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        place = str(fault).rpartition("(")[2].removesuffix(")")  # "at line 3, column 1": the rest may quote the file
        raise ConfigurationError(f"The config file {path} is not TOML: see {place}.") from None
    return _config(tables, path)


def _config(tables: Mapping[str, object], path: Path) -> ConfigFile:
    _check_names(tables, _TOP, path, "")
    profile = tables.get("profile")
    profiles = tables.get("profiles", {})
    if profile is not None and not isinstance(profile, str):
        raise ConfigurationError(f"The config file {path}: profile must be a text.")
    if not isinstance(profiles, dict):
        raise ConfigurationError(f"The config file {path}: write a profile as [profiles.NAME].")
    return ConfigFile(
        path=path,
        found=True,
        top=_section({name: value for name, value in tables.items() if name not in ("profile", "profiles")}, path, ""),
        profile=profile,
        profiles={
            name: _section(values, path, f"profiles.{name}.")
            for name, values in cast("dict[str, object]", profiles).items()
        },
    )


def _section(values: object, path: Path, place: str) -> Section:
    if not isinstance(values, dict):
        raise ConfigurationError(f"The config file {path}: write a profile as [{place.removesuffix('.')}].")
    given = cast("dict[str, object]", values)
    _check_names(given, (*FILE_SETTINGS, "dialect"), path, place)
    dialect = given.get("dialect", {})
    if not isinstance(dialect, dict):
        raise ConfigurationError(f"The config file {path}: write {place}dialect as a table.")
    settings: dict[str, str] = {}
    for name, value in given.items():
        if name == "dialect":
            continue
        if not isinstance(value, str):
            raise ConfigurationError(f"The config file {path}: {place}{name} must be a text.")
        # A file that is named in a file lies beside it, wherever the command is run.
        settings[name] = str(path.parent / Path(value).expanduser()) if name == "api_key_file" else value
    return Section(settings=settings, dialect=cast("dict[str, object]", dialect))


def _check_names(values: Mapping[str, object], known: tuple[str, ...], path: Path, place: str) -> None:
    if "api_key" in values:
        raise ConfigurationError(
            f"The config file {path} holds a key: put it into a file of its own, and name that as {place}api_key_file."
        )
    if unknown := sorted(values.keys() - set(known)):
        raise ConfigurationError(
            f"The config file {path} has no setting {place}{unknown[0]}; there are {', '.join(known)}."
        )
