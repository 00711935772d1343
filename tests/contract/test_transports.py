"""The library's own transports are held to the public contract."""

from contract.candidates import GAPS, TRANSPORTS

from setsmart_async.testing.transport_contract import contract_tests

globals().update(contract_tests(*TRANSPORTS, gaps=GAPS))
