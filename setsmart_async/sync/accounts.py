"""Accounts by name: where each one's key is found, and into which database it goes. Holds no key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, cast

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey
from setsmart_async.observer import Observer
from setsmart_async.sync.tables import RESOURCES, ResourceName
from setsmart_async.transports.base import Transport

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SETTINGS: Final = ("api_key_file", "api_key_env", "base_url", "to", "resources")


@attrs.frozen(kw_only=True)
class Account:
    """One account, for a sync that knows several. Can be pickled: it says where the key is, and not the key.

    The key is in the file `api_key_file`, or in the environment variable `api_key_env`. `base_url` is production's,
    or that of ``SETSMART_BASE_URL``, when left out. In `to`, an SQLAlchemy URL, ``{account}`` stands for the name.
    `resources` are those of `Sync`. Raises `ConfigurationError` for a name that no file could have, and unless there
    is exactly one place for the key.
    """

    name: str
    api_key_file: str | None = None
    api_key_env: str | None = None
    base_url: str | None = None
    to: str = "sqlite:///{account}.db"
    resources: tuple[ResourceName, ...] | None = None

    def __attrs_post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError("An account's name has letters, digits, '.', '_' and '-' only, 64 at most.")
        if (self.api_key_file is None) == (self.api_key_env is None):
            raise ConfigurationError(
                f"Say where the API key of the account {self.name} is: api_key_file = a file, or api_key_env = the "
                "name of an environment variable, one of the two."
            )

    @property
    def database(self) -> str:
        """The URL of the account's database."""
        return self.to.replace("{account}", self.name)

    def client(self, *, transport: Transport | None = None, observer: Observer | None = None) -> SetSmart:
        """A client of this account. Raises `ConfigurationError` when there is no usable key where it should be."""
        return SetSmart(self._key(), base_url=self.base_url, transport=transport, observer=observer)

    def _key(self) -> ApiKey:
        if self.api_key_file is not None:
            return ApiKey.from_file(self.api_key_file)
        variable = self.api_key_env or ""
        if variable not in os.environ:
            raise ConfigurationError(
                f"The API key of the account {self.name} should be in {variable}, which is not set."
            )
        return ApiKey(os.environ[variable], source=variable)


def read_accounts(path: str | Path) -> list[Account]:
    """The accounts in a TOML file: a table ``[accounts.NAME]`` for each, with the settings of `Account`.

    A relative `api_key_file` is meant from the file's folder, a database from the working directory, as ``--to`` is.
    Raises `ConfigurationError` that says what is wrong with which account, and quotes no value.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigurationError(f"The accounts file {file} can not be read ({type(fault).__name__}).") from None
    except tomllib.TOMLDecodeError as fault:
        place = re.search(r"\(at .*\)", str(fault))
        raise ConfigurationError(f"The accounts file {file} is not TOML {place[0] if place else ''}".rstrip()) from None
    tables: object = document.get("accounts")
    if not isinstance(tables, dict) or not tables or set(document) != {"accounts"}:
        raise ConfigurationError(f"The accounts file {file} must have a table [accounts.NAME] for each account.")
    accounts = [_account(name, table, file.parent) for name, table in cast("dict[str, object]", tables).items()]
    _check_databases(accounts)
    return accounts


def _account(name: str, table: object, folder: Path) -> Account:
    if not isinstance(table, dict):
        raise ConfigurationError(f"The account {name} must be a table: [accounts.{name}].")
    settings = cast("dict[str, object]", table)
    if "api_key" in settings:
        raise ConfigurationError(
            f"The account {name} has its API key in the accounts file: put it into a file of its own (api_key_file) or "
            "into the environment (api_key_env)."
        )
    unknown = sorted(set(settings) - set(_SETTINGS))
    if unknown:
        raise ConfigurationError(f"The account {name} has unknown settings. There are: {', '.join(_SETTINGS)}.")
    texts = {key: value for key, value in settings.items() if key != "resources"}
    if not all(isinstance(value, str) for value in texts.values()):
        raise ConfigurationError(f"Every setting of the account {name} is a text in quotes, but for resources.")
    if "api_key_file" in texts:
        texts["api_key_file"] = str(folder / str(texts["api_key_file"]))
    given = {key: str(value) for key, value in texts.items()}
    return Account(
        name=name,
        api_key_file=given.get("api_key_file"),
        api_key_env=given.get("api_key_env"),
        base_url=given.get("base_url"),
        to=given.get("to", "sqlite:///{account}.db"),
        resources=_resources(name, settings.get("resources")),
    )


def _resources(name: str, given: object) -> tuple[ResourceName, ...] | None:
    if given is None:
        return None
    named = cast("list[object]", given) if isinstance(given, list) else []
    if not named or not all(each in RESOURCES for each in named):
        raise ConfigurationError(f"The resources of the account {name} are a list of: {', '.join(RESOURCES)}.")
    return tuple(cast("Iterable[ResourceName]", named))


def _check_databases(accounts: Iterable[Account]) -> None:
    places: dict[str, str] = {}
    for account in accounts:
        other = places.setdefault(account.database, account.name)
        if other != account.name:
            raise ConfigurationError(
                f"The accounts {other} and {account.name} go into one database, which holds one account: write "
                "{account} into `to`."
            )
