"""What the environment says is not for us: proxies, .netrc."""

import os
import subprocess
from pathlib import Path

from contract.exchange import python
from contract.misbehaviour import WHOLE
from contract.raw_server import RawServer
from contract.scripts import well_behaved

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
