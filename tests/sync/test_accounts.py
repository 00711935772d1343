"""Many accounts: the file that names them, and the sync of all of them, over real sockets."""

import asyncio
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from setsmart_async import AuthenticationError, ConfigurationError
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.sync import Account, AccountsResult, AccountsSync, SyncProgress, read_accounts

CANARY = "canary-key-of-the-file"


def accounts_file(folder: Path, text: str) -> Path:
    path = folder / "accounts.toml"
    path.write_text(text)
    return path


def rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute("select count(*) from properties").fetchone()[0]
        return count


def test_accounts_are_read_with_paths_from_the_files_folder(tmp_path: Path) -> None:
    path = accounts_file(
        tmp_path,
        """
        [accounts.paris]
        api_key_file = "keys/paris"
        [accounts.rome]
        api_key_env = "ROME_KEY"
        base_url = "http://127.0.0.1:8080/v1"
        to = "postgresql://db/{account}"
        resources = ["properties", "reservations"]
        """,
    )
    paris, rome = read_accounts(path)
    assert paris == Account(name="paris", api_key_file=str(tmp_path / "keys/paris"))
    assert paris.database == "sqlite:///paris.db"
    assert rome.database == "postgresql://db/rome"
    assert rome.resources == ("properties", "reservations")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a table"),
        ("accounts = 3", "a table"),
        ("[accounts]\nparis = 3", r"\[accounts.paris\]"),
        ("[other]\n[accounts.a]\napi_key_env = 'A'", "a table"),
        ("[accounts.a", "not TOML"),
        ("[accounts.a]\n", "api_key_file = a file, or api_key_env"),
        ("[accounts.a]\napi_key_env = 'A'\napi_key_file = 'b'", "one of the two"),
        (f"[accounts.a]\napi_key = '{CANARY}'", "a file of its own"),
        ("[accounts.a]\napi_key_env = 'A'\nurl = 'b'", "unknown settings"),
        ("[accounts.a]\napi_key_env = 3", "in quotes"),
        ("[accounts.a]\napi_key_env = 'A'\nresources = ['guests']", "are a list of"),
        ("[accounts.a]\napi_key_env = 'A'\nresources = 'properties'", "are a list of"),
        ("[accounts.a]\napi_key_env = 'A'\nresources = []", "are a list of"),
        ("[accounts.'a/b']\napi_key_env = 'A'", "letters, digits"),
        (
            "[accounts.a]\napi_key_env='A'\nto='sqlite:///x.db'\n[accounts.b]\napi_key_env='B'\nto='sqlite:///x.db'",
            "one",
        ),
    ],
)
def test_what_is_wrong_is_said_without_quoting_a_value(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        read_accounts(accounts_file(tmp_path, text))
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nothing\.toml can not be read \(FileNotFoundError\)"):
        read_accounts(tmp_path / "nothing.toml")


def test_an_account_can_be_pickled_and_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", CANARY)
    account = Account(name="a", api_key_env="A_KEY")
    assert pickle.loads(pickle.dumps(account)) == account
    assert CANARY.encode() not in pickle.dumps(account)
    monkeypatch.delenv("A_KEY")
    with pytest.raises(ConfigurationError, match="should be in A_KEY, which is not set"):
        account.client()


def synced(
    monkeypatch: pytest.MonkeyPatch, folder: Path, keys: list[str], *, limit: int = 1000, at_once: int = 8
) -> tuple[AccountsResult, SandboxApi, list[str]]:
    """One account per key, against a server that knows all but those that begin with ``wrong``."""
    told: list[str] = []

    def tell(name: str, progress: SyncProgress) -> None:
        told.append(name)

    async def main() -> tuple[AccountsResult, SandboxApi]:
        known = [key for key in keys if not key.startswith("wrong")]
        api = SandboxApi(60, api_keys=known, quota=QuotaSimulator(QuotaRule(limit, 1.0)))
        async with SandboxServer(api) as server:
            accounts: list[Account] = []
            for number, key in enumerate(keys):
                monkeypatch.setenv(f"KEY_{number}", key)
                accounts.append(
                    Account(
                        name=f"account-{number}",
                        api_key_env=f"KEY_{number}",
                        base_url=server.url,
                        to=f"sqlite:///{folder}/{{account}}.db",
                        resources=("properties",),
                    )
                )
            run = AccountsSync(accounts, at_once=at_once, page_size=10, progress=tell)
            return await run.run(), api

    result, api = asyncio.run(main())
    return result, api, told


def test_each_account_gets_a_database_of_its_own_and_one_that_fails_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, _, _ = synced(monkeypatch, tmp_path, ["key-a", "wrong-key", "key-c"])
    assert list(result.results) == ["account-0", "account-2"]
    assert [each.records for each in result.results.values()] == [60, 60]
    assert list(result.errors) == ["account-1"]
    assert isinstance(result.errors["account-1"], AuthenticationError)
    assert [rows(tmp_path / f"account-{number}.db") for number in (0, 2)] == [60, 60]


def test_accounts_wait_for_their_own_quota_only_and_go_on_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result, _, told = synced(monkeypatch, tmp_path, ["key-a", "key-b"], limit=3)
    assert [each.rate_limited for each in result.results.values()] == [0, 0]
    assert all(each.waited_for_quota > 0 for each in result.results.values())
    assert told != sorted(told)  # neither was done before the other began


def test_at_most_so_many_accounts_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _, _, told = synced(monkeypatch, tmp_path, ["key-a", "key-b", "key-c"], at_once=1)
    assert told == sorted(told)


def test_impossible_settings_are_refused() -> None:
    twice = [Account(name="a", api_key_env="A"), Account(name="a", api_key_env="B")]
    with pytest.raises(ConfigurationError, match="same name"):
        AccountsSync(twice)
    with pytest.raises(ConfigurationError, match="1 or more"):
        AccountsSync(twice[:1], at_once=0)
