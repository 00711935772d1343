"""`kill -9` in mid-run, against a sandbox in a process of its own."""

import time
from pathlib import Path

import pytest
from cli.commands import RunningSandbox, rows, sandbox, start
from sync.scene import state, stored, table

from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.seed import seed_properties

PROPERTIES, PAGE = 900, 20
REQUESTS_IN_A_PASS = PROPERTIES // PAGE
SYNC = ("sync", "properties", "--page-size", str(PAGE))


def killed_behind(least: int, server: RunningSandbox, path: Path) -> int:
    """Run a sync and kill it as soon as so many rows are committed; how many there are then."""
    with start(SYNC, server.environment, path.parent) as process:
        patience = time.monotonic() + 30
        while rows(path) < least and time.monotonic() < patience:
            time.sleep(0.002)
        process.kill()
    assert process.returncode == -9
    return rows(path)


@pytest.mark.parametrize(("paging", "kills"), [("page", (1, 250, 500)), ("cursor", (300,))])
def test_a_killed_sync_goes_on_where_it_was(tmp_path: Path, paging: PagingStyle, kills: tuple[int, ...]) -> None:
    path = tmp_path / "setsmart.db"
    arguments = ("--properties", str(PROPERTIES), "--paging", paging, "--limit", "15", "--window", "1s")
    with sandbox(*arguments) as server:
        reached = [killed_behind(least, server, path) for least in kills]
        assert reached == sorted(reached)
        assert reached[-1] < PROPERTIES
        asked = server.stats()["requests"]
        with start(SYNC, server.environment, tmp_path) as process:
            _, errors = process.communicate(timeout=30)
        stats = server.stats()
    assert process.returncode == 0, errors
    # What a killed process had just sent can reach the server behind the next one's first answer, which knows nothing
    # of it: at most so much is refused, and asked for again.
    refused = stats["by_status"].get("429", 0)
    assert refused <= len(kills)
    assert stats["by_status"]["200"] == stats["requests"] - refused
    left = REQUESTS_IN_A_PASS - reached[-1] // PAGE
    assert left <= stats["requests"] - asked <= left + refused < REQUESTS_IN_A_PASS
    assert f"Went on where an earlier run had stopped: {reached[-1]:,} were there." in errors
    assert stored(path) == {str(record["id"]): record for record in seed_properties(PROPERTIES)}
    assert len(table(path)) == PROPERTIES
    assert (state(path)["repeated"], state(path)["new"], state(path)["generation"]) == (0, PROPERTIES, 1)
