"""`setsmart sync accounts`, as a user runs it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cli.commands import served

from setsmart_async.cli import main
from setsmart_async.cli.exit_codes import ExitCode
from setsmart_async.sandbox.api import SandboxApi


def accounts_file(folder: Path, base_url: str, keys: dict[str, str]) -> Path:
    for name, key in keys.items():
        (folder / f"{name}.key").write_text(f"{key}\n")
    tables = [
        f'[accounts.{name}]\napi_key_file = "{name}.key"\nbase_url = "{base_url}"\n'
        f'to = "sqlite:///{folder}/{{account}}.db"\nresources = ["properties"]\n'
        for name in keys
    ]
    path = folder / "accounts.toml"
    path.write_text("\n".join(tables))
    return path


def test_every_account_is_synced_and_the_one_that_failed_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(SandboxApi(30, api_keys=["key-a", "key-b"])) as base_url:
        path = accounts_file(tmp_path, base_url, {"paris": "key-a", "rome": "key-b", "oslo": "wrong-key-of-oslo"})
        code = main(["sync", "accounts", str(path), "--json"])
    shown = capsys.readouterr()
    assert code == ExitCode.KEY_REFUSED
    assert "paris: 30 records, 30 new, 0 changed, 0 deleted" in shown.err
    assert "oslo: " in shown.err
    assert "1 of 3 accounts failed" in shown.err
    assert "wrong-key-of-oslo" not in shown.err + shown.out
    summary = json.loads(shown.out)
    assert summary["accounts"]["rome"]["resources"]["properties"]["new"] == 30
    assert set(summary["errors"]) == {"oslo"}
    for name in ("paris", "rome"):
        with closing(sqlite3.connect(tmp_path / f"{name}.db")) as connection:
            assert connection.execute("select count(*) from properties").fetchone() == (30,)


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(SandboxApi(5, api_keys=["key-a"])) as base_url:
        path = accounts_file(tmp_path, base_url, {"paris": "key-a"})
        assert main(["sync", "accounts", str(path)]) == ExitCode.DONE
    assert capsys.readouterr().out == ""


def test_a_wrong_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text("[accounts.a]\napi_key = 'secret-in-the-file'")
    assert main(["sync", "accounts", str(path)]) == ExitCode.USAGE
    shown = capsys.readouterr().err
    assert "file of its own" in shown
    assert "secret-in-the-file" not in shown
    assert len(shown.splitlines()) == 1
