"""What observers and logs are told."""

import pytest
from engine.scene import (
    OK,
    played,
    stage,
    status,
)

from setsmart_async import (
    ApiKey,
    AttemptEnded,
    AttemptStarted,
    Event,
    MemoryTransport,
    Property,
    RetryScheduled,
    SetSmart,
)


class TestObserver:
    def test_every_attempt_retry_and_wait_is_told(self) -> None:
        async def main() -> list[Event]:
            s = stage(status(500), OK)
            await s.client.properties.get("prop_123")
            return s.events

        kinds = [type(event) for event in played(main)]
        assert kinds == [AttemptStarted, AttemptEnded, RetryScheduled, AttemptStarted, AttemptEnded]

    def test_an_observer_that_raises_hurts_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        def bad(event: Event) -> None:
            raise RuntimeError("broken dashboard")

        async def main() -> Property:
            client = SetSmart(
                ApiKey("key-of-the-engine-tests"),
                base_url="http://127.0.0.1:1/v1",
                transport=MemoryTransport(lambda request: OK),
                observer=bad,
            )
            return await client.properties.get("prop_123")

        assert played(main).id == "prop_123"
        assert "RuntimeError" in caplog.text
        assert "broken dashboard" not in caplog.text
