"""Parts of a sync in other processes: picklable, under one quota, and together all there is."""

import asyncio
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from cli.commands import RunningSandbox, sandbox
from sync.test_accounts import rows
from webhooks.servers import redis_url

from setsmart_async import ConfigurationError
from setsmart_async.sync import Account, PageShard, SyncShard, page_shards

LIMIT = 12


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    arguments = ("--properties", "205", "--paging", "page", "--limit", str(LIMIT), "--window", "1s")
    with sandbox(*arguments) as running:
        yield running


@pytest.fixture
def account(server: RunningSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    monkeypatch.setenv("SHARD_KEY", server.environment["SETSMART_API_KEY"])
    base_url = server.environment["SETSMART_BASE_URL"]
    return Account(name="a", api_key_env="SHARD_KEY", base_url=base_url, to=f"sqlite:///{tmp_path}/a.db")


def test_page_shards_in_several_processes_share_one_quota_and_read_all_there_is(
    server: RunningSandbox, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_url() as url:
        monkeypatch.setenv("SETSMART_REDIS_URL", url)
        shards = asyncio.run(page_shards(account, "properties", page_size=10, pages_per_shard=6))
        assert [len(shard.cursors) for shard in shards] == [6, 6, 6, 3]
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = [record for part in pool.map(PageShard.run, shards) for record in part]
    ids = {str(record["id"]) for record in found if isinstance(record, dict)}
    assert len(found) == len(ids) == 205
    stats = server.stats()
    assert stats["by_status"] == {"200": stats["requests"]}
    assert stats["requests"] == 22


def test_a_shard_is_a_whole_accounts_sync_and_small(account: Account, tmp_path: Path) -> None:
    shard = SyncShard(account=account, settings={"page_size": 50})
    packed = pickle.dumps(shard)
    assert len(packed) < 1_000
    again: SyncShard = pickle.loads(packed)
    assert again.run().resources["properties"].new == 205
    assert rows(tmp_path / "a.db") == 205
    assert again.run().resources["properties"].unchanged == 205


def test_behind_a_cursor_there_is_one_shard_that_reads_to_the_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sandbox("--properties", "45", "--paging", "cursor") as server:
        monkeypatch.setenv("SHARD_KEY", server.environment["SETSMART_API_KEY"])
        account = Account(name="a", api_key_env="SHARD_KEY", base_url=server.environment["SETSMART_BASE_URL"])
        (shard,) = asyncio.run(page_shards(account, "properties", page_size=10))
        assert len(shard.run()) == 45


def test_what_has_no_pages_is_said_so(account: Account) -> None:
    with pytest.raises(ConfigurationError, match="no pages"):
        asyncio.run(page_shards(account, "calendar"))
    with pytest.raises(ConfigurationError, match="1 or more"):
        asyncio.run(page_shards(account, "properties", pages_per_shard=0))
