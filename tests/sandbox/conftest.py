"""Each test of the API runs in memory, over HTTP and over HTTPS: the same handler answers them all."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from sandbox.asking import HOMES, HandSetClock, Opener, Sandbox, in_memory, over_http

from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.wire import JsonObject


@pytest.fixture(params=["memory", "http", "https"])
def open_sandbox(request: pytest.FixtureRequest) -> Iterator[Opener]:
    """A sandbox with these settings; seven homes in it unless told otherwise."""
    way = nullcontext(in_memory) if request.param == "memory" else over_http(encrypted=request.param == "https")
    with way as opened:

        def open_it(properties: list[JsonObject] | None = None, **settings: Any) -> Sandbox:  # noqa: ANN401  as SandboxApi
            clock = settings.setdefault("clock", HandSetClock())
            homes = [dict(home) for home in HOMES] if properties is None else properties
            return opened(SandboxApi(homes, **settings), clock)

        yield open_it
