"""R-57: `kill -9` at any instant. `nox -s kills` does it 200 times on each database; SYNC_KILLS says how often."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli.commands import served
from sync import forked_syncs, looking
from sync.scene import account, held

from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.listing import PagingStyle

KILLS = int(os.environ.get("SYNC_KILLS", "2"))
IS_SHORT = KILLS < 20
HOMES = 200 if IS_SHORT else 1_000


class Syncs:
    """Syncs in processes of their own, one after the other."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, seconds: float | None = None) -> int:
        """The exit status of a sync that is killed after so many seconds, if it is still there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n" if seconds is None else f"{seconds}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def syncs(base_url: str, database: str) -> Iterator[Syncs]:
    command = [sys.executable, str(Path(forked_syncs.__file__)), base_url, database]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Syncs(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def changed_a_little(api: SandboxApi, chance: random.Random) -> None:
    """Some homes come, some go, some change."""
    ids = list(held(api))
    for identifier in chance.sample(ids, 3):
        api.properties.merge(identifier, {"name": f"Home {chance.random()}"}, time.time())
    for identifier in chance.sample(ids, 2):
        api.properties.delete(identifier)
        api.properties.create({"name": "New", "address": "1 Shore Road"}, time.time())


@pytest.mark.parametrize("paging", ["cursor"] if IS_SHORT else ["cursor", "page"])
def test_r57_killed_at_any_instant_nothing_is_lost_and_nothing_twice(database: str, paging: PagingStyle) -> None:
    kills = KILLS if IS_SHORT else KILLS // 2
    chance, api = random.Random(57), account(HOMES, paging)
    done, completed, resumed = 0, 0, 0
    with served(api) as base_url, syncs(base_url, database) as runs:
        assert runs.run() == 0
        began = time.monotonic()
        assert runs.run() == 0
        span = (time.monotonic() - began) * 1.1
        while done < kills:
            changed_a_little(api, chance)
            status = -9
            while status == -9 and done < kills:
                before = looking.state(database)
                status = runs.run(chance.uniform(0, span))
                assert status in (0, -9)
                assert looking.is_intact(database)
                now = looking.state(database)
                # What is counted is what is there: a page's rows, its checkpoint and its counts are one.
                there = [row for row in looking.rows(database) if row["generation"] == now["generation"]]
                assert len(there) == now["new"] + now["changed"] + now["unchanged"] + now["healed"]
                assert now["repeated"] == 0
                done += status == -9
                resumed += before["completed_at"] is None and now["generation"] == before["generation"]
            status = runs.run()
            assert status == 0
            completed += 1
            assert looking.live(database) == held(api)
    print(
        f"\n{database.partition(':')[0]}, {paging}: {done} kills, {resumed} of the runs went on, {completed} compared"
    )
