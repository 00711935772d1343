"""Writes that can be repeated, where a server honours idempotency keys; and writes that never are."""

from collections import Counter

import pytest
from engine.scene import LOST, OK, Step, create, failure_of, played, stage, status

from setsmart_async import ConfigurationError, Dialect, HttpRequest, Outcome, Property

HONOURS_KEYS = Dialect(idempotency_header="Idempotency-Key")


@pytest.mark.parametrize("failure", [LOST, status(500), status(503), status(408)])
def test_r04_a_marked_create_is_repeated_byte_for_byte(failure: Step) -> None:
    async def main() -> list[HttpRequest]:
        s = stage(failure, failure, failure, OK, max_attempts=4, dialect=HONOURS_KEYS)
        await create(s.client)
        s.script.play(OK)
        await create(s.client)
        return s.script.requests

    *same, other = played(main)
    assert len(same) == 4
    keys = {request.headers["Idempotency-Key"] for request in same}
    assert len(keys) == 1
    assert len({request.body for request in same}) == 1
    assert other.headers["Idempotency-Key"] not in keys
    assert not any(request.fresh_connection for request in [*same, other])


def test_r04_the_server_executes_it_once() -> None:
    executions: Counter[str] = Counter()

    def honouring(requests: list[HttpRequest]) -> Step:
        def answer() -> object:
            key = requests[-1].headers["Idempotency-Key"]
            executions[key] += not executions[key]
            return OK if len(requests) == 4 else status(500)

        return answer  # type: ignore[return-value]  # a step that answers

    async def main() -> Property:
        s = stage(OK, max_attempts=4, dialect=HONOURS_KEYS)
        s.script.play(honouring(s.script.requests))
        return await create(s.client)

    assert played(main).id == "prop_123"
    assert list(executions.values()) == [1]


def test_a_key_of_ones_own_is_sent_and_stands_on_the_error() -> None:
    async def main() -> tuple[str, str | None]:
        s = stage(status(400), dialect=HONOURS_KEYS)
        error = await failure_of(
            s.client.properties.create(
                name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2, idempotency_key="order-17"
            )
        )
        return s.script.requests[0].headers["Idempotency-Key"], error.idempotency_key

    assert played(main) == ("order-17", "order-17")


def test_reads_updates_and_deletes_carry_none() -> None:
    async def main() -> list[HttpRequest]:
        s = stage(OK, dialect=HONOURS_KEYS)
        await s.client.properties.get("prop_123")
        await s.client.properties.update("prop_123", max_guests=8)
        await s.client.properties.delete("prop_123")
        return s.script.requests

    assert not any("Idempotency-Key" in request.headers for request in played(main))


def test_a_key_that_no_server_would_see_is_refused() -> None:
    async def main() -> int:
        s = stage(OK)
        with pytest.raises(ConfigurationError, match="idempotency_header"):
            await s.client.properties.create(
                name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2, idempotency_key="order-17"
            )
        return s.sent

    assert played(main) == 0


@pytest.mark.parametrize("key", ["", " x", "a\r\nX-Evil: 1", "a\0", "ø", "a b", "x" * 256], ids=repr)
def test_r33_what_no_header_can_carry_is_refused_before_anything_is_sent(key: str) -> None:
    async def main() -> int:
        s = stage(OK, dialect=HONOURS_KEYS)
        with pytest.raises(ValueError, match="printable ASCII"):
            await s.client.properties.create(
                name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2, idempotency_key=key
            )
        return s.sent

    assert played(main) == 0


@pytest.mark.parametrize("name", ["", "Idempotency Key", "X\r\nY", "Host", "Content-Length", "x-api-key", "Ø"])
def test_r33_a_header_name_that_can_be_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="header"):
        Dialect(idempotency_header=name)


def test_r03_an_unmarked_create_whose_answer_is_lost_says_all_that_is_known() -> None:
    async def main() -> tuple[int, object]:
        s = stage(LOST)
        error = await failure_of(create(s.client))
        return s.sent, (error.outcome, error.operation, error.call_id, error.idempotency_key, len(error.attempts))

    assert played(main) == (1, (Outcome.UNKNOWN, "POST /properties", 1, None, 1))
