"""`setsmart sync` when all goes well, and when it is interrupted."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from cli.commands import IN_THE_BACKGROUND, SETSMART, rows, sandbox, start
from sync.scene import account, state, stored, sync, table

from setsmart_async import HttpResponse, PermissionDeniedError
from setsmart_async.cli import main
from setsmart_async.sandbox.seed import LISTINGS, seed_properties

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_first_command_of_all(tmp_path: Path, capsys: Captured) -> None:
    """Every listing of the sandbox, over real HTTP, with no settings at all; then again, and nothing has changed."""
    path = tmp_path / "setsmart.db"
    assert main(["sync", "--sandbox"]) == 0
    written = capsys.readouterr()
    assert written.out == ""
    assert f"Synced sandbox into {path}." in written.err
    assert f"  {LISTINGS:,} properties: {LISTINGS:,} new, 0 changed, 0 unchanged." in written.err
    for noun in ("reservations", "conversations"):
        assert f"  1,000 {noun}: 1,000 new, 0 changed, 0 unchanged." in written.err
    assert "0 refused for the rate limit (429)" in written.err
    assert stored(path) == {str(record["id"]): record for record in seed_properties(LISTINGS)}
    assert state(path)["source"] == "sandbox"

    assert main(["sync", "--sandbox"]) == 0
    assert f"  {LISTINGS:,} properties: nothing has changed." in capsys.readouterr().err
    assert len(table(path)) == LISTINGS


def test_json_for_programs(tmp_path: Path, capsys: Captured) -> None:
    assert main(["sync", "--sandbox", "--json", "--to", "sqlite:///x.db"]) == 0
    written = capsys.readouterr()
    summary = json.loads(written.out)
    assert summary["database"] == str(tmp_path / "x.db")
    assert summary["source"] == "sandbox"
    homes = summary["resources"]["properties"]
    assert (homes["records"], homes["new"], summary["rate_limited"]) == (LISTINGS, LISTINGS, 0)
    assert summary["requests"] == (LISTINGS + 2_000) // 100


def test_a_line_of_json_for_each_record_where_there_is_no_database(tmp_path: Path, capsys: Captured) -> None:
    assert main(["sync", "properties", "--sandbox", "--to", "-"]) == 0
    written = capsys.readouterr()
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert [line["record"] for line in lines] == list(seed_properties(LISTINGS))
    assert {(line["resource"], line["change"]) for line in lines} == {("properties", "new")}
    assert lines[0]["id"] == lines[0]["record"]["id"]
    assert f"  {LISTINGS:,} properties: {LISTINGS:,} new" in written.err
    assert list(tmp_path.iterdir()) == []


def test_changes_beside_a_database_are_those_since_the_last_time(tmp_path: Path, capsys: Captured) -> None:
    assert main(["sync", "reservations", "--sandbox", "--changes"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1_000
    assert main(["sync", "reservations", "--sandbox", "--changes"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["sync", "--sandbox", "--changes", "--json"]) == 2
    assert len(table(tmp_path / "setsmart.db", "reservations")) == 1_000


def test_a_dry_run_says_what_would_be_done(tmp_path: Path, capsys: Captured) -> None:
    assert main(["sync", "reservations", "--sandbox", "--dry-run"]) == 0
    written = capsys.readouterr().err
    assert "Nothing was written; a sync of sandbox into setsmart.db:" in written
    assert "  1,000 reservations: 1,000 new" in written
    assert not (tmp_path / "setsmart.db").exists()


def test_the_status_of_a_database(tmp_path: Path, capsys: Captured) -> None:
    assert main(["sync", "status"]) == 2
    assert "No sync has filled the database setsmart.db yet: run setsmart sync." in capsys.readouterr().err
    assert main(["sync", "reservations", "--sandbox", "--account", "Oslo"]) == 0
    capsys.readouterr()
    assert main(["sync", "status"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("setsmart.db: from sandbox, account Oslo")
    assert re.fullmatch(
        r"  reservations: 1,000 rows; full pass of \S+ \S+ UTC complete, an incremental one begins at 2024\S+ \S+ UTC",
        second,
    )
    assert main(["sync", "status", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["source"], found["account"]) == ("sandbox", "Oslo")
    assert (found["resources"]["reservations"]["live"], found["resources"]["reservations"]["doubt"]) == (1_000, None)


def test_the_status_of_an_interrupted_sync(tmp_path: Path, capsys: Captured) -> None:
    api = account(60)
    api.intercept = lambda request: HttpResponse(status=403) if "cursor" in request.target else None
    with pytest.raises(PermissionDeniedError):
        sync(api, tmp_path / "setsmart.db")
    assert main(["sync", "status"]) == 0
    said = capsys.readouterr().out
    assert "properties: 10 rows; full pass of" in said
    assert "under way or interrupted after 1 pages, the last at" in said


def test_an_incremental_sync_that_can_be_none_says_so(capsys: Captured) -> None:
    assert main(["sync", "reservations", "--sandbox", "--mode", "incremental"]) == 0
    assert "Not incremental: there is no complete pass to go on from" in capsys.readouterr().err
    assert main(["sync", "reservations", "--sandbox", "--mode", "incremental"]) == 0
    assert "recent reservations: nothing has changed." in capsys.readouterr().err


def test_keys_in_the_environment_are_no_matter_of_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETSMART_API_KEY", "the-key-of-a-real-account")
    monkeypatch.setenv("SETSMART_BASE_URL", "https://api.setsmart.com/v1")
    assert main(["sync", "--sandbox"]) == 0


@pytest.mark.parametrize(
    ("command", "number"),
    [(SETSMART, signal.SIGINT), (SETSMART, signal.SIGTERM), (IN_THE_BACKGROUND, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background"],
)
def test_an_interrupted_sync_closes_everything_and_says_that_it_goes_on(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals
) -> None:
    path = tmp_path / "setsmart.db"
    with (
        sandbox("--properties", "1000", "--limit", "5", "--window", "1s") as server,
        start(("sync", "properties", "--page-size", "10"), server.environment, tmp_path, command=command) as process,
    ):
        while rows(path) == 0:
            time.sleep(0.01)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    told = "setsmart: interrupted. What was done is kept; run the same command to go on.\n"
    assert (process.returncode, out, err) == (130, "", told)
    assert not Path(f"{path}-wal").exists()
    assert 0 < len(stored(path)) == 10 * state(path)["pages"] < 1000
    assert state(path)["checkpoint"] is not None


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What a command writes to stderr when that is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    os.close(theirs)
    written = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not some:
            break
        written += some
    os.close(ours)
    process.wait()
    return written.decode()


def test_a_terminal_sees_a_bar_with_rate_time_left_and_quota() -> None:
    with sandbox("--properties", "250", "--limit", "10", "--window", "1s") as server:
        environment = {**server.environment, "TERM": "xterm", "COLUMNS": "150"}
        written = on_a_terminal([*SETSMART, "sync", "properties", "--page-size", "10"], environment)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert re.search(r"Syncing .*[0-9]+ of 250 properties, [0-9]+ per second, [0-9.]+ s left", plain)
    assert re.search(r"waiting [0-9.]+ s for quota", plain)
    assert "  250 properties: 250 new" in plain
    assert "\x1b[?25l" in written  # the cursor hidden
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")  # and shown again


def test_without_a_terminal_there_are_no_control_characters(capsys: Captured) -> None:
    main(["sync", "--sandbox"])
    assert "\x1b" not in capsys.readouterr().err


def test_a_long_sync_leaves_a_line_in_the_log_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr("setsmart_async.cli.progress._SECONDS_BETWEEN_LINES", 0.0)
    main(["sync", "--sandbox"])
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"[0-9,]+ of 3,000 properties, [0-9,]+ per second(, [0-9.]+ s left)?", lines[1])
