"""`setsmart sandbox`."""

import signal
from pathlib import Path

import pytest
from cli.commands import IN_THE_BACKGROUND, sandbox

from setsmart_async.cli import main
from setsmart_async.sandbox.api import SANDBOX_API_KEY


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_how_to_use_it_and_ends_cleanly(number: signal.Signals) -> None:
    with sandbox("--properties", "7", "--limit", "3", "--window", "90s") as running:
        assert running.environment["SETSMART_API_KEY"] == SANDBOX_API_KEY
        assert running.environment["SETSMART_BASE_URL"].startswith("http://127.0.0.1:")
        stats = running.stats()
        running.process.send_signal(number)
        out, err = running.process.communicate(timeout=10)
    assert running.process.returncode == 0
    assert out == ""
    assert "7 properties" in err
    assert "Traceback" not in err
    assert stats["rule"] == {"limit": 3, "window": 90.0, "algorithm": "fixed"}
    assert stats["properties"] == 7


def test_in_the_background_it_ignores_ctrl_c_and_ends_with_sigterm() -> None:
    with sandbox("--properties", "1", command=IN_THE_BACKGROUND) as running:
        running.process.send_signal(signal.SIGINT)
        assert running.stats()["properties"] == 1
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=10) == 0


def test_it_holds_stays_and_conversations() -> None:
    with sandbox("--properties", "7", "--reservations", "5") as running:
        records = running.stats()["records"]
    assert records["properties"] == 7
    assert records["reservations"] == records["conversations"] == 5
    assert records["messages"] >= 5


def test_it_keeps_what_it_holds_in_a_file(tmp_path: Path) -> None:
    file = str(tmp_path / "sandbox.db")
    for arguments in (("--properties", "6"), ("--properties", "99")):
        with sandbox(*arguments, "--database", file) as running:
            records = running.stats()["records"]
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(timeout=10) == 0
        assert (records["properties"], records["reservations"]) == (6, 2)


def test_a_file_that_is_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("Buy milk. " * 100)
    assert main(["sandbox", "--port", "0", "--database", str(file)]) == 2
    assert capsys.readouterr().err.startswith("setsmart: The sandbox can not use the file")


def test_a_key_of_its_own() -> None:
    with sandbox("--api-key", "the-one-that-I-want", "--properties", "1") as running:
        assert running.environment["SETSMART_API_KEY"] == "the-one-that-I-want"


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with sandbox("--properties", "1") as running:
        port = running.environment["SETSMART_BASE_URL"].removesuffix("/v1").rpartition(":")[2]
        assert main(["sandbox", "--port", port]) == 2
    written = capsys.readouterr()
    assert written.err.startswith(f"setsmart: Port {port} on 127.0.0.1 is taken")
    assert written.out == ""
