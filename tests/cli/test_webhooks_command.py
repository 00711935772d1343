"""`setsmart webhooks`: from a sandbox to the terminal, on to another program, and from a file."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cli.commands import SETSMART, sandbox, start

from setsmart_async.cli import main
from setsmart_async.webhooks import WebhookVerifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"id":"evt_1","type":"reservation.created","timestamp":"2027-01-15T08:00:00Z","data":{"id":"res_1"}}'


@contextmanager
def another_program() -> Iterator[tuple[str, list[bytes]]]:
    """Its address, and the bodies that it is sent."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - as theirs

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hooks?x=1", bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_from_the_sandbox_to_the_terminal_and_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with sandbox("--properties", "5") as running, another_program() as (address, bodies):
        options = ["--port", "0", "--subscribe", "--forward-to", address, "--save", str(tmp_path / "saved")]
        listening = start(["webhooks", "listen", *options], running.environment, tmp_path, command=SETSMART)
        try:
            assert listening.stdout is not None
            assert listening.stderr is not None
            assert listening.stderr.readline().startswith("Listening at http://127.0.0.1:")
            assert " export SETSMART_WEBHOOK_SECRET=whsec_" in listening.stderr.readline()
            for name, value in running.environment.items():
                monkeypatch.setenv(name, value)
            assert main(["webhooks", "trigger", "reservation.created"]) == 0
            told = capsys.readouterr()
            assert "sent to 1 subscription(s)" in told.err
            printed = json.loads(listening.stdout.readline())
            assert (printed["id"], printed["type"]) == (json.loads(told.out)["id"], "reservation.created")
            assert printed["data"] == json.loads(told.out)["data"]
            assert listening.stderr.readline() == "setsmart: forwarded, answered 204\n"
            assert [json.loads(body)["id"] for body in bodies] == [printed["id"]]
            [saved] = (tmp_path / "saved").iterdir()
        finally:
            listening.send_signal(signal.SIGINT)
            _, err = listening.communicate(timeout=10)
        assert listening.returncode == 130
        assert "Traceback" not in err
        monkeypatch.setenv("SETSMART_WEBHOOK_SECRET", SECRET)
        assert main(["webhooks", "verify", str(saved)]) == 1  # another subscription's secret
        assert main(["webhooks", "trigger", "reservation.created"]) == 0
        assert "sent to 0 subscription(s)" in capsys.readouterr().err  # it has unsubscribed


def saved(folder: Path, *, timestamp: int | None = None, body: bytes = BODY) -> str:
    headers = WebhookVerifier(SECRET).sign(BODY, delivery_id="evt_1", timestamp=timestamp)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    file = folder / "delivery.http"
    file.write_bytes(head + b"\r\n" + body)
    return str(file)


def test_a_saved_delivery_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETSMART_WEBHOOK_SECRET", f"whsec_{'b3RoZXI' * 8} {SECRET}")
    assert main(["webhooks", "verify", saved(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == {"id": "res_1"}
    old = saved(tmp_path, timestamp=1_700_000_000)
    assert main(["webhooks", "verify", old]) == 1
    assert main(["webhooks", "verify", old, "--any-age"]) == 0
    assert main(["webhooks", "verify", saved(tmp_path, body=BODY.replace(b"res_1", b"res_2"))]) == 1


def test_what_is_wrong_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETSMART_WEBHOOK_SECRET", raising=False)
    monkeypatch.setenv("SETSMART_API_KEY", "a-key-of-these-tests")
    monkeypatch.delenv("SETSMART_BASE_URL", raising=False)
    assert main(["webhooks", "verify", saved(tmp_path)]) == 2
    assert "Set SETSMART_WEBHOOK_SECRET" in capsys.readouterr().err
    assert main(["webhooks", "listen", "--port", "0"]) == 2
    assert "Set SETSMART_WEBHOOK_SECRET" in capsys.readouterr().err
    monkeypatch.setenv("SETSMART_WEBHOOK_SECRET", SECRET)
    assert main(["webhooks", "verify", str(tmp_path / "nothing")]) == 2
    assert "can not be read" in capsys.readouterr().err
    (tmp_path / "no delivery").write_bytes(b"hello")
    assert main(["webhooks", "verify", str(tmp_path / "no delivery")]) == 2
    assert "an empty line" in capsys.readouterr().err
    assert main(["webhooks", "trigger", "reservation.created"]) == 2
    assert "Only a sandbox" in capsys.readouterr().err
    assert main(["webhooks", "listen", "--port", "0", "--subscribe"]) == 2
    assert "--subscribe is for a sandbox" in capsys.readouterr().err
