"""Databases that are named or set up oddly: a clear error without the password, or the right rows."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sync.scene import ORIGIN, account, answer, sync, url

from setsmart_async import ConfigurationError, HttpRequest, HttpResponse, MemoryTransport
from setsmart_async.errors import StoreError
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.sync import Account, AccountsResult, AccountsSync
from setsmart_async.wire import Json


@pytest.mark.parametrize(
    "to",
    [
        "postgresql://kari:p@ss:wordy@127.0.0.1/homes",
        "postgresql://kari:p@sswordy@127.0.0.1:9/homes",
        "postgresql://127.0.0.1:wordy/homes",
    ],
)
def test_a_url_that_can_not_be_meant_is_refused_and_not_shown(tmp_path: Path, to: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        sync(account(1), tmp_path, to=to)
    assert "wordy" not in str(caught.value)


def test_an_account_with_a_bad_url_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_TEST", SANDBOX_API_KEY)
    good = url(tmp_path / "good.db")
    accounts = [
        Account(name="bad", api_key_env="KEY_OF_THE_TEST", base_url=ORIGIN, to="postgresql://h:abc/{account}"),
        Account(name="good", api_key_env="KEY_OF_THE_TEST", base_url=ORIGIN, to=good, resources=("properties",)),
    ]

    async def main() -> AccountsResult:
        return await AccountsSync(accounts, transport=MemoryTransport(account(30).handle)).run()

    assert set(asyncio.run(main()).results) == {"good"}


def test_a_schema_that_is_not_there_is_named_as_the_reason(postgresql: str, tmp_path: Path) -> None:
    missing = make_url(postgresql).update_query_dict({"options": "-csearch_path=nosuch"})
    with pytest.raises(StoreError, match="schema"):
        sync(account(3), tmp_path, to=missing.render_as_string(hide_password=False))


@pytest.mark.parametrize(
    ("zone", "moment"), [("America/New_York", "0001-01-01T00:00:00Z"), ("Asia/Tokyo", "9999-12-31T23:59:59Z")]
)
def test_sessions_of_postgresql_are_in_utc(postgresql: str, tmp_path: Path, zone: str, moment: str) -> None:
    there = make_url(postgresql)
    elsewhere = there.update_query_dict({"options": f"{there.query['options']} -cTimeZone={zone}"})
    data: list[Json] = [{"id": f"prop_{number}", "name": "Home", "updated_at": moment} for number in range(3)]

    def handle(_: HttpRequest) -> HttpResponse:
        return answer({"data": data, "next_cursor": None})

    to = elsewhere.render_as_string(hide_password=False)
    sync(handle, tmp_path, to=to)
    assert sync(handle, tmp_path, to=to).unchanged == 3
