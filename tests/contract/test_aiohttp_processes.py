"""In a Python of its own: what the environment says is not for us, a forked child is refused, nothing is warned of."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from setsmart_async import Origin
from setsmart_async.testing.transport_contract._suite import certificates
from setsmart_async.testing.transport_contract._suite.misbehaviour import WHOLE
from setsmart_async.testing.transport_contract._suite.raw_server import RawServer
from setsmart_async.testing.transport_contract._suite.scripts import silent, well_behaved


def python(*arguments: str) -> list[str]:
    """The command of a Python that hides no warning."""
    return [sys.executable, "-X", "dev", "-W", "error", *arguments]


ASK = """
import asyncio, sys
from setsmart_async import AiohttpTransport, HttpRequest, Origin, TransportError

async def main():
    transport = AiohttpTransport()
    for origin in sys.argv[1:]:
        for fresh in (False, True):
            asked = HttpRequest(method="GET", origin=Origin.parse(origin), target="/x", fresh_connection=fresh)
            try:
                await transport.send(asked, timeout=5)
            except TransportError as error:
                print(type(error).__name__)
    await transport.aclose()

asyncio.run(main())
"""


def test_r46_proxies_and_netrc_are_ignored(tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login kari password canary\ndefault login kari password canary\n")
    netrc.chmod(0o600)
    with (
        RawServer(well_behaved) as server,
        RawServer(well_behaved) as proxy,
        RawServer(lambda peer: peer.send(WHOLE)) as not_tls,
    ):
        names = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy")
        proxies = {cased: f"http://127.0.0.1:{proxy.port}" for name in names for cased in (name, name.upper())}
        ran = subprocess.run(
            python("-c", ASK, str(server.origin), f"https://127.0.0.1:{not_tls.port}"),
            env={**os.environ, **proxies, "NETRC": str(netrc), "HOME": str(tmp_path), "NO_PROXY": "", "no_proxy": ""},
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "TLSError\n" * 2, "")
        assert not proxy.connections
        assert not_tls.connections == 2
        assert [received.header("Authorization") for received in server.requests] == [[], []]
        assert [received.header("Proxy-Authorization") for received in server.requests] == [[], []]


FORKED = """
import asyncio, os, sys
from setsmart_async import AiohttpTransport, HttpRequest, Origin, ForkedClientError

transport = AiohttpTransport()
asked = HttpRequest(method="GET", origin=Origin.parse(sys.argv[1]), target="/x")

async def in_child():
    try:
        await transport.send(asked, timeout=5)
    except ForkedClientError:
        return 7
    return 1

async def main():
    await transport.send(asked, timeout=5)
    child = os.fork()
    if not child:
        os._exit(asyncio.run(in_child()))  # asyncio knows that no loop runs here
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    await transport.send(asked, timeout=5)
    await transport.aclose()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_r37_a_forked_child_is_refused() -> None:
    with RawServer(well_behaved) as server:
        # From 3.12 on Python warns of forks beside threads, of which loop and resolver may have one.
        command = [python()[0], "-W", "ignore:This process:DeprecationWarning", "-c", FORKED, str(server.origin)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert len(server.requests) == 2


UNHEARD = """
import asyncio, gc, ssl, sys
from setsmart_async import AiohttpTransport, HttpRequest, Origin, TransportError

plain, tls, breaking, silent, authority = sys.argv[1:]

def asked(origin, **more):
    return HttpRequest(origin=Origin.parse(origin), target="/x", headers={"X-API-Key": "sk"}, **more)

async def main():
    asyncio.get_running_loop().slow_callback_duration = 10  # a busy machine is not what this is about
    transport = AiohttpTransport(ssl_context=ssl.create_default_context(cafile=authority))
    for origin in (plain, tls, plain, tls):
        for fresh in (False, True):
            body = b"{}" * 500_000
            await transport.send(asked(origin, method="GET", fresh_connection=fresh), timeout=5)
            await transport.send(asked(origin, method="PUT", body=body, fresh_connection=fresh), timeout=5)
    for origin, timeout in ((breaking, 5), (silent, 0.1)):
        try:
            await transport.send(asked(origin, method="PUT", body=b"{}"), timeout=timeout)
        except TransportError:
            pass
    task = asyncio.create_task(transport.send(asked(silent, method="GET"), timeout=5))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    left = asyncio.create_task(transport.send(asked(silent, method="GET"), timeout=5))
    await asyncio.sleep(0.1)
    await transport.aclose()
    await asyncio.gather(left, return_exceptions=True)
    gc.collect()

asyncio.run(main())
gc.collect()
"""


def test_r36_no_warning_after_closing(tmp_path: Path) -> None:
    """With asyncio's debug mode, aiohttp's strict parser, and every warning an error."""
    authority = tmp_path / "authority.pem"
    certificates.authority().cert_pem.write_to_path(str(authority))
    with ExitStack() as stack:
        scripts = [(well_behaved, None), (well_behaved, certificates.good()), (lambda peer: peer.reset(), None)]
        servers = [stack.enter_context(RawServer(script, tls=tls)) for script, tls in [*scripts, (silent, None)]]
        origins = [str(server.origin) for server in servers]
        command = python("-c", UNHEARD, *origins, str(authority))
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert Origin.parse(origins[1]).scheme == "https"
        assert all(server.all_closed() for server in servers)
