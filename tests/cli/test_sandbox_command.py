"""`setsmart sandbox`."""

import signal

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
