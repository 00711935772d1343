"""The contract of `Transport` as a pytest suite, for a transport of your own.

A test file of yours holds::

    from setsmart_async.testing.transport_contract import Candidate, contract_tests

    globals().update(contract_tests(Candidate("mine", MyTransport, has_sockets=True)))

``docs/transports.md`` says what the suite needs to know of a transport, and what each of the library's own keeps.
"""

from importlib.util import find_spec

_MISSING = [name for name in ("hypothesis", "pytest", "trustme") if find_spec(name) is None]
if _MISSING:
    raise ModuleNotFoundError(
        f"The contract of transports needs {', '.join(_MISSING)}: pip install 'setsmart_async[testing]'"
    )

import pytest  # noqa: E402 - see above

_SUITE = f"{__name__}._suite"
pytest.register_assert_rewrite(_SUITE)  # before its import: a failed assert shows the values that it compared

from setsmart_async.testing.transport_contract.candidates import Candidate, Gap  # noqa: E402 - see above
from setsmart_async.testing.transport_contract.collecting import contract_tests  # noqa: E402 - see above

__all__ = ["Candidate", "Gap", "contract_tests"]
