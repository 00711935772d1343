"""All of the transport contract for aiohttp through its session, the way for releases of aiohttp that are not known."""

from setsmart_async import AiohttpTransport
from setsmart_async.testing.transport_contract import Candidate, contract_tests
from setsmart_async.transports.aiohttp_requests import Outgoing


class BySession(AiohttpTransport):
    def _outgoing(self, *, force_close: bool) -> Outgoing:
        outgoing = super()._outgoing(force_close=force_close)
        outgoing.is_direct = False
        return outgoing


EVERY_TEST = contract_tests(Candidate("aiohttp by its session", BySession, has_sockets=True))
globals().update(EVERY_TEST)
