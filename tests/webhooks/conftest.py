"""Each store, freshly made; the servers run once."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webhooks import servers

from setsmart_async.webhooks import MemoryReplayStore, ReplayStore
from setsmart_async.webhooks.redis import RedisReplayStore
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

MakeStore = Callable[[], ReplayStore]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis_url() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with servers.postgresql_url() as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgresql", "redis"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes another view of the same store, as another process would have; in memory there is but the one.

    Tests on a server's store take keys of their own: the server lives as long as the tests.
    """
    match request.param:
        case "sqlite":
            return lambda: SqlReplayStore(f"sqlite:///{tmp_path}/webhooks.db")
        case "postgresql":
            url = request.getfixturevalue("postgresql_url")
            return lambda: SqlReplayStore(url)
        case "redis":
            url = request.getfixturevalue("redis_url")
            return lambda: RedisReplayStore(url)
        case _:
            store = MemoryReplayStore()
            return lambda: store
