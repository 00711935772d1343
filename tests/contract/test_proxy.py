"""Through a proxy: the one that was named, and no other."""

import base64
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest
from contract.proxy import Proxy

from setsmart_async import (
    AiohttpTransport,
    AttemptTimeoutError,
    ConnectError,
    HttpxTransport,
    Origin,
    Outcome,
    TLSError,
    Transport,
)
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.exchange import KEY, answer, closing, failure, request, run
from setsmart_async.testing.transport_contract._suite.misbehaviour import JSON, WHOLE
from setsmart_async.testing.transport_contract._suite.raw_server import Peer, RawServer, Script
from setsmart_async.testing.transport_contract._suite.scripts import after_a_request, silent

Make = Callable[..., Transport]
on_both = pytest.mark.parametrize("make", [AiohttpTransport, HttpxTransport])


def well(peer: Peer) -> None:
    for _ in peer.requests():
        peer.send(WHOLE)


def hanging_up(peer: Peer) -> None:
    peer.request()


def resetting(peer: Peer) -> None:
    peer.request()
    peer.reset()


@on_both
def test_http_goes_through_the_proxy_in_absolute_form(make: Make) -> None:
    with Proxy() as proxy, RawServer(well) as server:
        assert answer(lambda: make(proxy=proxy.url), request(server.origin)).body == JSON
        [seen] = proxy.seen
        assert (seen.method, seen.target) == ("GET", request(server.origin).url)
        assert len(server.requests) == 1


@on_both
def test_https_goes_through_a_tunnel_that_hides_everything(make: Make) -> None:
    with Proxy() as proxy, RawServer(well, tls=certificates.good()) as server:
        got = answer(lambda: make(proxy=proxy.url, ssl_context=certificates.trusting()), request(server.origin))
        assert got.body == JSON
        [seen] = proxy.seen
        assert (seen.method, seen.target) == ("CONNECT", f"127.0.0.1:{server.origin.port}")
        assert KEY not in str(seen)
        assert len(server.requests) == 1


@on_both
@pytest.mark.parametrize("tls", [False, True])
def test_the_proxy_itself_may_speak_tls(make: Make, tls: bool) -> None:
    settings = {"ssl_context": certificates.trusting()}
    with Proxy(tls=certificates.good()) as proxy, RawServer(well, tls=certificates.good() if tls else None) as server:
        assert answer(lambda: make(proxy=proxy.url, **settings), request(server.origin)).body == JSON
        assert [seen.method for seen in proxy.seen] == ["CONNECT" if tls else "GET"]
    with Proxy(tls=certificates.other_authority()) as proxy, RawServer(well) as server:
        assert isinstance(failure(lambda: make(proxy=proxy.url, **settings), request(server.origin)), TLSError)
        assert proxy.seen == []


@on_both
def test_behind_a_proxy_the_server_is_verified_all_the_same(make: Make) -> None:
    with Proxy() as proxy, RawServer(well, tls=certificates.other_authority()) as server:
        with pytest.raises(TLSError) as refused:
            answer(lambda: make(proxy=proxy.url, ssl_context=certificates.trusting()), request(server.origin))
        assert refused.value.outcome is Outcome.NOT_SENT
        assert server.requests == []


@on_both
def test_a_proxy_that_is_not_there_is_a_connection_that_was_not_made(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with RawServer(well) as server, pytest.raises(ConnectError) as refused:
        answer(lambda: make(proxy=f"http://127.0.0.1:{port}"), request(server.origin))
    assert refused.value.outcome is Outcome.NOT_SENT


REFUSALS: dict[str, Script] = {
    "407": after_a_request(b"HTTP/1.1 407 s3cret\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"),
    "502": after_a_request(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nbad"),
    "302": after_a_request(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
    "no HTTP": after_a_request(b"SSH-2.0 proxy\r\n\r\n"),
    "hangs up": hanging_up,
    "resets": resetting,
}


@on_both
@pytest.mark.parametrize("refusal", REFUSALS)
def test_r02_a_proxy_that_makes_no_tunnel_is_a_connection_that_was_not_made(make: Make, refusal: str) -> None:
    """A create too was never sent then, and can be repeated."""
    origin = Origin("https", "127.0.0.1", 9, "/v1")
    with RawServer(REFUSALS[refusal]) as proxy:
        url = f"http://user:s3cret@127.0.0.1:{proxy.port}"
        error = failure(lambda: make(proxy=url, ssl_context=certificates.trusting()), request(origin, "POST"))
        assert isinstance(error, ConnectError)
        assert not isinstance(error, TLSError)
        assert error.outcome is Outcome.NOT_SENT
        assert "proxy" in str(error)
        assert "s3cret" not in str(error)
        assert [received.method for received in proxy.requests] == ["CONNECT"]
        assert proxy.all_closed()


@on_both
def test_r09_a_proxy_that_never_answers_has_sent_nothing_on(make: Make) -> None:
    origin = Origin("https", "127.0.0.1", 9, "/v1")
    with RawServer(silent) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        asked = request(origin, "POST")
        error = failure(lambda: make(proxy=url, ssl_context=certificates.trusting()), asked, timeout=0.15)
        assert isinstance(error, AttemptTimeoutError)
        assert (error.outcome, error.phase) == (Outcome.NOT_SENT, "connect")
        assert proxy.all_closed()


@on_both
@pytest.mark.parametrize("tls", [False, True])
def test_credentials_reach_the_proxy_and_nobody_else(make: Make, tls: bool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings: dict[str, Any] = {"ssl_context": certificates.trusting()} if tls else {}
    with Proxy() as proxy, RawServer(well, tls=certificates.good() if tls else None) as server:
        url = proxy.url.replace("http://", "http://user:s3cret-of-the-proxy@")

        async def use(transport: Transport) -> str:
            await transport.send(request(server.origin), timeout=5)
            return repr(transport)

        shown = run(closing(make(proxy=url, **settings), use))
        [seen] = proxy.seen
        expected = base64.b64encode(b"user:s3cret-of-the-proxy").decode()
        assert seen.headers["proxy-authorization"] == f"Basic {expected}"
        sent_on = str([received.headers for received in server.requests]) if tls else ""
        for place in (shown, caplog.text, sent_on):
            assert "s3cret" not in place
            assert expected not in place


@on_both
def test_a_proxy_that_fails_tells_no_credentials(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with RawServer(well) as server, pytest.raises(ConnectError) as refused:
        answer(lambda: make(proxy=f"http://user:s3cret@127.0.0.1:{port}"), request(server.origin))
    error: BaseException | None = refused.value
    while error is not None:
        assert "s3cret" not in f"{error!r} {error} {error.args}"
        error = error.__cause__ or error.__context__


@on_both
def test_r46_the_environments_proxies_are_ignored(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy() as proxy, RawServer(well) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert answer(make, request(server.origin)).body == JSON
        assert proxy.seen == []
