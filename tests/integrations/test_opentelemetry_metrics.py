"""Requests, waits, retries, quota and a sync's rows, as numbers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from engine.scene import LOST, OK, Step, exhausted, failure_of, played, stage, status
from integrations.recording import TEMPLATE, Measured, Recording, attributes_of
from opentelemetry.semconv.metrics import http_metrics

from setsmart_async import NotFoundError, Observers
from setsmart_async.sandbox.faults import Fault
from setsmart_async.sync import Sync, Tally
from setsmart_async.testing import FakeSetSmart, fake_conversation, fake_property

REFUSED = Fault(status=404, operation="reservations.list")
SERVER = {"server.address": "127.0.0.1", "server.port": 1}
ABOUT = {"http.request.method": "GET", "url.template": TEMPLATE, **SERVER}


def measured(*steps: Step, calls: int = 1, attributes: dict[str, str] | None = None, **settings: Any) -> Recording:  # noqa: ANN401 - as `stage` takes them
    """What these calls, one after the other, are measured as."""
    recording = Recording(**(attributes or {}))

    async def main() -> None:
        s = stage(*steps, observer=recording.observer, **settings)
        for _ in range(calls):
            await asyncio.gather(s.client.properties.get("prop_123"), return_exceptions=True)

    played(main)
    return recording


class TestRequests:
    def test_each_attempt_has_its_duration_status_and_error(self) -> None:
        recording = measured(status(503), LOST, OK, latency=0.25)
        points = {
            point.attributes.get("error.type"): point for point in recording.metrics()["http.client.request.duration"]
        }
        assert points["503"].attributes == {**ABOUT, "http.response.status_code": 503, "error.type": "503"}
        assert points["ConnectionLostError"].attributes == {**ABOUT, "error.type": "ConnectionLostError"}
        assert points[None].attributes == {**ABOUT, "http.response.status_code": 200}
        assert [point.count for point in points.values()] == [1, 1, 1]
        assert [point.value for point in points.values()] == pytest.approx([0.25] * 3)

    def test_its_name_is_the_conventions_and_its_buckets_those_that_they_advise(self) -> None:
        recording = measured(OK)
        (metric,) = [metric for metric in recording.raw() if metric.name == http_metrics.HTTP_CLIENT_REQUEST_DURATION]
        assert metric.unit == "s"
        (point,) = metric.data.data_points
        advised = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
        assert getattr(point, "explicit_bounds", None) == advised

    def test_requests_under_way(self) -> None:
        recording, seen = Recording(), list[float]()

        async def main() -> None:
            s = stage(OK, latency=10.0, observer=recording.observer)
            await s.client.properties.get("prop_123")
            getting = [asyncio.create_task(s.client.properties.get("prop_123")) for _ in range(4)]
            await asyncio.sleep(1)
            seen.append(recording.metrics()["http.client.active_requests"][0].value)
            getting[0].cancel()
            await asyncio.wait(getting)
            seen.append(recording.metrics()["http.client.active_requests"][0].value)

        played(main)
        assert seen == [4, 0]

    def test_retries_by_what_they_met(self) -> None:
        recording = measured(status(503), LOST, OK)
        assert sorted(recording.metrics()["setsmart.retries"], key=lambda point: str(point.attributes)) == [
            Measured({**ABOUT, "error.type": "ConnectionLostError"}, 1),
            Measured({**ABOUT, "error.type": "ServerError"}, 1),
        ]

    def test_waits_for_quota_those_of_no_length_included(self) -> None:
        recording = measured(exhausted, OK, calls=2)
        (point,) = recording.metrics()["setsmart.limiter.wait.duration"]
        assert (point.attributes, point.count) == (ABOUT, 2)
        assert point.value == pytest.approx(30.0, abs=2.0)

    def test_ones_own_attributes_are_on_all_of_them(self) -> None:
        recording = measured(status(503), exhausted, attributes={"account": "north"})
        found = recording.metrics()
        assert set(found) >= {"http.client.request.duration", "setsmart.retries", "setsmart.quota.limit"}
        assert {point.attributes.get("account") for points in found.values() for point in points} == {"north"}


class TestQuota:
    def test_what_is_left_and_of_how_many(self) -> None:
        answer = status(404, X_RateLimit_Limit="100", X_RateLimit_Remaining="7")
        found = measured(answer).metrics()
        assert found["setsmart.quota.limit"] == [Measured(SERVER, 100)]
        assert found["setsmart.quota.remaining"] == [Measured(SERVER, 7)]

    @pytest.mark.parametrize(("reset", "known"), [("1445412490", True), ("1445412480", False)])
    def test_when_the_window_is_over_nobody_knows_what_is_left(self, reset: str, known: bool) -> None:
        quota = {"X_RateLimit_Limit": "100", "X_RateLimit_Remaining": "7", "X_RateLimit_Reset": reset}
        found = measured(status(404, **quota, Date="Wed, 21 Oct 2015 07:28:00 GMT")).metrics()
        assert ("setsmart.quota.remaining" in found) is known
        assert found["setsmart.quota.limit"] == [Measured(SERVER, 100)]

    def test_a_server_that_says_nothing_of_it_has_no_gauge(self) -> None:
        assert "setsmart.quota.limit" not in measured(OK).metrics()

    def test_the_last_answer_counts_and_silence_changes_nothing(self) -> None:
        first = status(404, X_RateLimit_Limit="100", X_RateLimit_Remaining="7")
        second = status(404, X_RateLimit_Limit="50", X_RateLimit_Remaining="6")
        found = measured(first, second, status(404), calls=3).metrics()
        assert (found["setsmart.quota.limit"][0].value, found["setsmart.quota.remaining"][0].value) == (50, 6)

    def test_two_observers_of_one_program_for_two_accounts(self) -> None:
        recording = Recording(account="north")

        async def main() -> None:
            for observer, left in ((recording.observer, "7"), (recording.another(account="south"), "9")):
                answer = status(404, X_RateLimit_Limit="100", X_RateLimit_Remaining=left)
                await failure_of(stage(answer, observer=observer).client.properties.get("prop_123"))

        played(main)
        points = recording.metrics()["setsmart.quota.remaining"]
        assert {point.attributes["account"]: point.value for point in points} == {"north": 7, "south": 9}


class TestSync:
    def test_rows_by_resource_and_change_below_a_span(self, tmp_path: Path) -> None:
        recording, tally = Recording(), Tally()

        async def main() -> None:
            fake = FakeSetSmart(
                *(fake_property(id=f"prop_{number}") for number in range(7)),
                fake_conversation(id="conv_1"),
                observer=Observers(tally, recording.observer),
            )
            async with fake:
                sync = Sync(fake, f"sqlite:///{tmp_path / 'homes.db'}", resources=["properties"], tally=tally)
                result = await recording.observer.run_sync(sync)
                assert result.requests == tally.counts.requests > 0
                await recording.observer.run_sync(sync)

        asyncio.run(main())
        rows = {
            (point.attributes["setsmart.sync.resource"], point.attributes["setsmart.sync.change"]): point.value
            for point in recording.metrics()["setsmart.sync.rows"]
        }
        assert rows == {("properties", "new"): 7, ("properties", "unchanged"): 7}
        syncs = [span for span in recording.spans if span.name == "setsmart sync"]
        assert len(syncs) == 2
        calls = [call for call in recording.calls if call not in syncs]
        assert sum(len(recording.below(sync)) for sync in syncs) == len(calls) > 0

    def test_one_that_fails_says_so_and_is_counted_as_far_as_it_came(self, tmp_path: Path) -> None:
        recording = Recording()

        async def main() -> None:
            fake = FakeSetSmart(fake_property(id="prop_1"), observer=recording.observer, faults=[REFUSED])
            async with fake:
                sync = Sync(
                    fake, f"sqlite:///{tmp_path / 'homes.db'}", resources=["properties", "reservations"], in_flight=1
                )
                with pytest.raises(NotFoundError):
                    await recording.observer.run_sync(sync)

        asyncio.run(main())
        (sync,) = [span for span in recording.spans if span.name == "setsmart sync"]
        assert attributes_of(sync)["error.type"] == "NotFoundError"
        assert sync.events == ()
        (rows,) = recording.metrics()["setsmart.sync.rows"]
        assert (rows.attributes["setsmart.sync.resource"], rows.value) == ("properties", 1)
