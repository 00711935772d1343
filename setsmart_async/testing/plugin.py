"""pytest's fixtures. pytest loads them by itself; without its autoload, ``-p setsmart_async.testing.plugin`` does.

``setsmart`` is a client with a server in memory, ``setsmart_sandbox`` that server; both are made anew for each test.
``@pytest.mark.setsmart(...)`` says what they begin with; it takes what `FakeSetSmart` does, and ``records``. Nothing
else is imported before a test asks for one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from setsmart_async.sandbox.api import SandboxApi
    from setsmart_async.testing.fake import FakeSetSmart


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "setsmart(records=(), limit=100, window=10.0, paging='cursor', page_size=20, faults=(), max_attempts=3, "
        "deadline=60.0): what the fixtures setsmart and setsmart_sandbox begin with",
    )


@pytest.fixture
def setsmart(request: pytest.FixtureRequest) -> FakeSetSmart:
    """A client with SetSmart in miniature behind it: no network, no waiting."""
    from setsmart_async.testing.fake import FakeSetSmart

    settings: dict[str, Any] = {}
    for marker in reversed([*request.node.iter_markers("setsmart")]):
        settings |= marker.kwargs
    return FakeSetSmart(*settings.pop("records", ()), **settings)


@pytest.fixture
def setsmart_sandbox(setsmart: FakeSetSmart) -> SandboxApi:
    """The server behind the fixture ``setsmart``."""
    return setsmart.sandbox
