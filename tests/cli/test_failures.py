"""Each known failure is one line on stderr that says what to do, a documented exit code, and a database still right."""

import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cli.commands import key_in_environment, served
from sqlalchemy import Engine, event
from sync.scene import account, held, stored, table

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.cli import main
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi


@pytest.fixture
def api() -> SandboxApi:
    return account(60)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command keeps its database when nothing else is said."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "setsmart.db"


@pytest.fixture
def url(api: SandboxApi, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with served(api) as address:
        monkeypatch.setenv("SETSMART_BASE_URL", address)
        for name, value in key_in_environment().items():
            monkeypatch.setenv(name, value)
        yield address


Captured = pytest.CaptureFixture[str]


def failed(capsys: Captured, *arguments: str) -> tuple[int, str]:
    """The exit code and the one line."""
    code = main(["sync", "--page-size", "10", *arguments])
    written = capsys.readouterr()
    assert written.out == ""
    [line] = written.err.splitlines()
    assert line.startswith("setsmart: ")
    assert SANDBOX_API_KEY not in line
    return code, line


def test_no_key(path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.delenv("SETSMART_API_KEY")
    code, line = failed(capsys)
    assert code == 2
    assert "SETSMART_API_KEY" in line
    assert not path.exists()


def test_a_wrong_key(path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("SETSMART_API_KEY", "a-wrong-key-that-is-secret")
    code, line = failed(capsys)
    assert code == 3
    assert "The API key is not accepted: check it" in line
    assert "secret" not in line
    assert "kept" not in line
    assert stored(path) == {}


def test_a_key_that_loses_its_permission_in_mid_run(path: Path, url: str, api: SandboxApi, capsys: Captured) -> None:
    asked: list[HttpRequest] = []

    def intercept(request: HttpRequest) -> HttpResponse | None:
        asked.append(request)
        return HttpResponse(status=403) if len(asked) > 3 else None

    api.intercept = intercept
    code, line = failed(capsys)
    assert code == 3
    assert "The 30 properties read so far are kept; the same command goes on from there." in line
    api.intercept = None
    assert main(["sync", "--page-size", "10"]) == 0
    assert stored(path) == held(api)
    assert "Went on where an earlier run had stopped: 30 were there." in capsys.readouterr().err


def test_plain_http_off_loopback(path: Path, url: str, capsys: Captured) -> None:
    code, line = failed(capsys, "--base-url", "http://api.setsmart.com/v1")
    assert code == 2
    assert "plain http" in line
    assert not path.exists()


def test_nobody_listens(path: Path, url: str, capsys: Captured) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        code, line = failed(capsys, "--base-url", address)
    assert code == 4
    assert f"{address}: The server does not accept connections. Check the base URL and the network." in line


def test_a_name_that_does_not_resolve(path: Path, url: str, capsys: Captured) -> None:
    code, line = failed(capsys, "--base-url", "https://api.invalid/v1")
    assert code == 4
    assert "https://api.invalid/v1: The server's name does not resolve." in line


def test_a_server_that_refuses_the_request(path: Path, url: str, capsys: Captured) -> None:
    code = main(["sync", "--page-size", "201"])
    assert code == 5
    assert "SetSmart answered 400" in capsys.readouterr().err


def test_a_page_of_garbage(path: Path, url: str, api: SandboxApi, capsys: Captured) -> None:
    def intercept(request: HttpRequest) -> HttpResponse | None:
        return HttpResponse(status=200, body=b"<h1>Jane Doe</h1>") if "cursor" in request.target else None

    api.intercept = intercept
    code, line = failed(capsys)
    assert code == 5
    assert "Unusable answer at $: the body is not valid JSON" in line
    assert "the 10 properties before it are kept" in line
    assert "Jane" not in line
    api.intercept = None
    assert main(["sync", "--page-size", "10"]) == 0
    assert stored(path) == held(api)


def test_a_list_that_can_not_be_proved_complete(path: Path, url: str, api: SandboxApi, capsys: Captured) -> None:
    assert main(["sync", "--page-size", "10"]) == 0
    capsys.readouterr()
    for identifier in list(held(api))[:20]:
        api.properties.delete(identifier)
    code, line = failed(capsys)
    assert code == 7
    assert "20 of 60 properties that were there are listed no more" in line
    assert "Nothing was marked as deleted. If it is true, say so with --min-seen 0" in line
    assert main(["sync", "--page-size", "10", "--min-seen", "0"]) == 0
    assert "  40 properties: 0 new, 0 changed, 40 unchanged, 20 deleted." in capsys.readouterr().err


def test_a_full_database(path: Path, url: str, api: SandboxApi, capsys: Captured) -> None:
    def restrict(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 12").close()

    event.listen(Engine, "connect", restrict)
    try:
        code, line = failed(capsys)
    finally:
        event.remove(Engine, "connect", restrict)
    assert code == 6
    assert line == (
        f"setsmart: The database {path} is full: make room on its disk and run again. What was synced before is kept."
    )
    with closing(sqlite3.connect(path)) as connection:
        assert [*connection.execute("PRAGMA integrity_check")] == [("ok",)]
    assert main(["sync", "--page-size", "10"]) == 0
    assert stored(path) == held(api)


def test_a_read_only_database(path: Path, url: str, api: SandboxApi, capsys: Captured) -> None:
    main(["sync", "--page-size", "10"])
    before = table(path)
    capsys.readouterr()
    code, line = failed(capsys, "--to", f"sqlite:///file:{path}?mode=ro&uri=true")
    assert code == 6
    assert "is read-only: allow writing to it and to its directory, or choose another one." in line
    assert table(path) == before


def test_another_sync_into_the_same_database(path: Path, url: str, capsys: Captured) -> None:
    with closing(sqlite3.connect(f"{path}-sync", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, line = failed(capsys)
    assert code == 6
    assert "Another sync is writing to the database" in line


def test_a_database_of_another_account(
    path: Path, url: str, api: SandboxApi, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    main(["sync", "--page-size", "10"])
    before = table(path)
    monkeypatch.setenv("SETSMART_API_KEY", "the-key-of-another-account")
    capsys.readouterr()
    code, line = failed(capsys)
    assert code == 2
    assert "was filled with another API key" in line
    assert "--new-key" in line
    code, line = failed(capsys, "--base-url", "http://127.0.0.1:9/v1")
    assert code == 2
    assert "was filled from" in line
    monkeypatch.delenv("SETSMART_BASE_URL")
    code, line = failed(capsys, "--sandbox")
    assert code == 2
    assert "not sandbox" in line
    assert table(path) == before


@pytest.mark.parametrize("to", ["setsmart.db", "mysql://localhost/x", "sqlite://", "sqlite:///no/such/x.db"])
def test_a_database_that_can_not_be(path: Path, url: str, to: str, capsys: Captured) -> None:
    code, _ = failed(capsys, "--to", to)
    assert code == 2


def test_the_sandbox_and_a_server_at_once(path: Path, url: str, capsys: Captured) -> None:
    code, line = failed(capsys, "--sandbox", "--base-url", url)
    assert code == 2
    assert line == "setsmart: --sandbox brings a server of its own: leave out --base-url."


def test_an_unexpected_fault_shows_itself(path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug is no one-liner: it needs its traceback."""
    from setsmart_async.sync.store import Store

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Store, "write", broken)
    with pytest.raises(ZeroDivisionError):
        main(["sync"])
