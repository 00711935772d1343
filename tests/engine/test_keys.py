"""API keys under load: fetched, rotated, refused, and shown nowhere."""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from engine.scene import OK, Stage, create, failure_of, played, stage, status
from virtual_time import VirtualClock

from setsmart_async import (
    ApiKey,
    ApiKeyUnavailableError,
    AuthenticationError,
    CallError,
    ClientClosedError,
    ConfigurationError,
    DeadlineExceededError,
    KeyRefreshed,
    MemoryTransport,
    Outcome,
    Property,
    SetSmart,
)
from setsmart_async.wire import HttpRequest, HttpResponse

OLD, NEW = "key-of-yesterday-0001", "key-of-tomorrow-0002"


@attrs.define
class Account:
    """A server that accepts these keys, and counts what it refuses."""

    accepted: set[str]
    refused: int = 0

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.headers["X-API-Key"] in self.accepted:
            return OK
        self.refused += 1
        return status(401)


@attrs.define
class Provider:
    """Gives `key` after `seconds`, and counts who asks at once."""

    key: str
    seconds: float = 0.0
    asked: int = 0
    asking: int = 0
    most_asking: int = 0

    async def __call__(self) -> str:
        self.asked += 1
        self.asking += 1
        self.most_asking = max(self.most_asking, self.asking)
        try:
            await asyncio.sleep(self.seconds)
            return self.key
        finally:
            self.asking -= 1


def client_of(account: Account, key: Callable[[], object] | str, **settings: object) -> SetSmart:
    return SetSmart(
        key,  # type: ignore[arg-type]  # providers of several kinds
        base_url="http://127.0.0.1:1/v1",
        transport=MemoryTransport(account, latency=0.05),
        clock=VirtualClock(),
        **settings,  # type: ignore[arg-type]  # settings of several types
    )


@pytest.mark.parametrize("overlap", [0.0, 2.0])
def test_r44_a_key_rotates_under_load_without_a_failed_call(overlap: float) -> None:
    """200 tasks; the old key is revoked `overlap` seconds after the new one is there; the provider is slow."""

    async def main() -> tuple[Provider, Account, int]:
        account, provider = Account({OLD}), Provider(OLD, seconds=0.3)
        client = client_of(account, provider)
        done = 0

        async def worker() -> None:
            nonlocal done
            for _ in range(100):
                await client.properties.get("prop_123")
                done += 1

        async def rotate() -> None:
            await asyncio.sleep(1.0)
            provider.key = NEW
            account.accepted.add(NEW)
            await asyncio.sleep(overlap)
            account.accepted.discard(OLD)

        async with asyncio.TaskGroup() as group:
            group.create_task(rotate())
            for _ in range(200):
                group.create_task(worker())
        await client.aclose()
        return provider, account, done

    provider, account, done = played(main)
    assert done == 200 * 100
    assert provider.most_asking == 1
    assert provider.asked <= 3
    assert 0 < account.refused <= 200


def test_r44_the_same_key_again_is_an_authentication_error_and_no_loop() -> None:
    async def main() -> tuple[CallError, int, int]:
        account, provider = Account(set()), Provider(OLD)
        client = client_of(account, provider)
        return await failure_of(client.properties.get("prop_123")), account.refused, provider.asked

    error, refused, asked = played(main)
    assert isinstance(error, AuthenticationError)
    assert refused == 1
    assert asked == 2  # once for the key, once because it was refused


def test_r44_a_write_is_repeated_with_the_new_key_too() -> None:
    async def main() -> int:
        account, provider = Account({NEW}), Provider(OLD)
        client = client_of(account, provider)
        await client.key_fingerprint()
        provider.key = NEW
        await create(client)
        return account.refused

    assert played(main) == 1


def test_r44_a_provider_that_raises_is_no_matter_while_there_is_a_key() -> None:
    async def main() -> tuple[Property, int]:
        account, calls = Account({OLD}), 0

        def provider() -> str:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise OSError(f"vault of {OLD} sealed")
            return OLD

        client = client_of(account, provider)
        await client.properties.get("prop_123")
        await asyncio.sleep(61.0)  # old by now: fetched again beside the next call
        await client.properties.get("prop_123")
        await asyncio.sleep(61.0)
        return await client.properties.get("prop_123"), calls

    villa, calls = played(main)
    assert villa.id == "prop_123"
    assert calls == 3


@pytest.mark.parametrize("bad", ["", "key with blanks", "changeme", 7, None], ids=repr)
def test_r45_a_provider_without_a_key_is_told_by_name_and_not_quoted(
    bad: object, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> CallError:
        return await failure_of(client_of(Account({OLD}), lambda: bad).properties.get("prop_123"))

    error = played(main)
    assert isinstance(error, ApiKeyUnavailableError)
    assert error.outcome is Outcome.NOT_SENT
    assert "key provider" in str(error)
    assert "blanks" not in str(error) + caplog.text


def test_a_slow_provider_ends_with_the_deadline_in_the_phase_key() -> None:
    async def main() -> tuple[CallError, Property]:
        client = client_of(Account({OLD}), Provider(OLD, seconds=5.0), deadline=2.0)
        error = await failure_of(client.properties.get("prop_123"))
        await asyncio.sleep(4.0)  # the fetching went on
        return error, await client.properties.get("prop_123")

    error, villa = played(main)
    assert isinstance(error, DeadlineExceededError)
    assert error.phase == "key"
    assert error.outcome is Outcome.NOT_SENT
    assert villa.id == "prop_123"


def test_r34_a_cancelled_wait_for_a_key_takes_it_from_nobody_else() -> None:
    async def main() -> tuple[bool, Property, int]:
        provider = Provider(OLD, seconds=1.0)
        client = client_of(Account({OLD}), provider)
        first, second = (asyncio.create_task(client.properties.get("prop_123")) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        villa = await second
        return first.cancelled(), villa, provider.asked

    cancelled, villa, asked = played(main)
    assert cancelled
    assert villa.id == "prop_123"
    assert asked == 1


def test_r35_closing_ends_the_wait_for_a_key() -> None:
    async def main() -> BaseException | Property:
        client = client_of(Account({OLD}), Provider(OLD, seconds=100.0))
        waiting = asyncio.create_task(client.properties.get("prop_123"))
        await asyncio.sleep(0.5)
        await client.aclose()
        (result,) = await asyncio.gather(waiting, return_exceptions=True)
        return result

    assert isinstance(played(main), ClientClosedError)


class TestFallback:
    def test_it_bridges_a_new_key_that_is_not_accepted_yet(self) -> None:
        async def main() -> tuple[Stage, str]:
            s = stage(status(401), OK, api_key=NEW, fallback_key=OLD)
            await s.client.properties.get("prop_123")
            await s.client.properties.get("prop_123")
            return s, await s.client.key_fingerprint()

        s, fingerprint = played(main)
        assert [request.headers["X-API-Key"] for request in s.script.requests] == [NEW, OLD, OLD]
        assert fingerprint == ApiKey(OLD).fingerprint
        (told,) = [event for event in s.events if isinstance(event, KeyRefreshed)]
        assert told.fallback
        assert told.fingerprint == fingerprint

    def test_when_it_is_refused_in_turn_the_first_key_is_tried_again(self) -> None:
        async def main() -> list[str]:
            s = stage(status(401), OK, status(401), OK, api_key=NEW, fallback_key=OLD)
            await s.client.properties.get("prop_123")
            await s.client.properties.get("prop_123")
            return [request.headers["X-API-Key"] for request in s.script.requests]

        assert played(main) == [NEW, OLD, OLD, NEW]

    def test_two_refusals_in_one_call_are_an_error(self) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(status(401), api_key=NEW, fallback_key=OLD)
            return await failure_of(s.client.properties.get("prop_123")), s.sent

        error, sent = played(main)
        assert isinstance(error, AuthenticationError)
        assert sent == 2

    @pytest.mark.parametrize("bad", ["", "key with blanks"])
    def test_a_text_that_can_be_no_key_is_refused_by_name(self, bad: str) -> None:
        with pytest.raises(ConfigurationError, match="from fallback_key") as caught:
            SetSmart(NEW, fallback_key=bad)
        assert "blanks" not in str(caught.value)


def test_a_key_file_is_read_again_when_its_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text(OLD + "\n")
    monkeypatch.delenv("SETSMART_API_KEY", raising=False)
    monkeypatch.setenv("SETSMART_API_KEY_FILE", str(file))

    async def main() -> tuple[int, Property]:
        account = Account({OLD})
        async with SetSmart(base_url="http://127.0.0.1:1/v1", transport=MemoryTransport(account)) as client:
            await client.properties.get("prop_123")
            file.write_text(NEW + "\n")
            account.accepted = {NEW}
            return account.refused, await client.properties.get("prop_123")

    refused, villa = asyncio.run(main())  # a thread reads the file: real time
    assert refused == 0
    assert villa.id == "prop_123"


def test_a_wrong_key_is_told_apart_and_quoted_nowhere() -> None:
    async def main() -> CallError:
        return await failure_of(stage(status(401)).client.properties.get("prop_123"))

    error = played(main)
    assert isinstance(error, AuthenticationError)
    assert "key-of" not in repr(error) + str(error)


@pytest.mark.parametrize("settings", [{"deadline": -1.0}, {"base_url": "http://example.com"}, {"fallback_key": "a b"}])
def test_a_traceback_with_locals_of_a_refused_setting_shows_no_key(settings: dict[str, str | float]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SetSmart("canary-key-0123456789", **settings)  # type: ignore[arg-type]  # settings of several types
    frames = [
        frame.locals for frame in traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ]
    ours = [frame for frame in frames if frame and "settings" not in frame]
    assert ours
    assert "canary-key" not in str(ours)
