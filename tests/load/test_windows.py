"""The sandbox's windows, put on our clock, whatever its own says."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async.load.windows import QuotaUse, windows_of
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.console import Console
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import HttpRequest, JsonObject, Origin, decode_json


class Wall:
    """A clock that stands."""

    def __init__(self, now: float) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError


def asked(api: SandboxApi) -> None:
    origin = Origin.parse("http://127.0.0.1:1/v1")
    api.handle(HttpRequest(method="GET", origin=origin, target="/properties", headers={"X-API-Key": SANDBOX_API_KEY}))


def looked(api: SandboxApi) -> tuple[JsonObject, JsonObject]:
    console = Console(api, None)
    found = [
        decode_json(console.answer("GET", path, b"", is_json=False, url="").body)
        for path in ("/_sandbox/live.json", "/_sandbox/stats")
    ]
    assert isinstance(found[0], dict)
    assert isinstance(found[1], dict)
    return found[0], found[1]


@given(
    begin=st.floats(1_700_000_000, 1_700_000_100),
    skew=st.floats(-1_000, 1_000),
    window=st.sampled_from([0.5, 1.0, 2.0, 10.0]),
    gaps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=30),
    idle=st.floats(0.0, 25.0),
)
def test_each_request_is_counted_in_the_window_that_it_was_sent_in(
    begin: float, skew: float, window: float, gaps: list[float], idle: float
) -> None:
    clock = Wall(begin)
    api = SandboxApi(1, quota=QuotaSimulator(QuotaRule(3, window), skew=skew), clock=clock)
    sent = []
    for gap in gaps:
        clock.now += gap
        asked(api)
        sent.append(clock.now - begin)
    clock.now += idle
    live, stats = looked(api)
    measured = clock.now - begin
    windows = windows_of(
        stats,
        live,
        looked_at=measured,
        last_answer=sent[-1],
        measured=measured + 1e-9,
        limits=[(0.0, 3)],
    )
    assert sum(each.accepted + each.refused for each in windows) == len(sent)
    for each in windows:
        inside = [at for at in sent if each.begin + 1e-5 < at < each.begin + each.length - 1e-5]
        around = [at for at in sent if each.begin - 1e-5 < at < each.begin + each.length + 1e-5]
        assert len(inside) <= each.accepted + each.refused <= len(around)
        # A whole number of windows from the server's own midnight: its clock and ours agree on where they lie.
        server = (each.begin + begin + skew) / window
        assert math.isclose(server, round(server), abs_tol=1e-4)
        assert each.whole == (each.begin >= 0 and each.begin + each.length <= measured + 1e-9)


def window(start: float, accepted: int, refused: int = 0) -> JsonObject:
    return {"start": start, "accepted": accepted, "refused": refused}


def use(limits: list[tuple[float, int]], measured: float = 30.0) -> QuotaUse:
    """Windows of 10 s from 5 s before what was measured on, with 80, 100, 90, 40 and 7 requests."""
    counted = [window(100.0 + 10 * number, count) for number, count in enumerate([80, 100, 90, 40, 7])]
    live: JsonObject = {
        "rule": {"limit": 100, "window": 10.0, "algorithm": "fixed"},
        "windows": [*counted[-2:]],
        "window_ends_in": 3.0,
        "used": 7,
    }
    stats: JsonObject = {"windows": [*counted]}
    found = windows_of(stats, live, looked_at=42.0, last_answer=41.0, measured=measured, limits=limits)
    return QuotaUse(found)


def test_goodput_is_of_whole_windows_alone() -> None:
    quota = use([(-5.0, 100)])
    assert [each.begin for each in quota.windows] == [-5.0, 5.0, 15.0, 25.0]
    assert [each.whole for each in quota.windows] == [False, True, True, False]
    assert quota.goodput == pytest.approx(190 / 200)


def test_a_limit_that_changes_counts_from_then_on() -> None:
    assert use([(-5.0, 100), (16.0, 90)]).goodput == pytest.approx(190 / 190)


def test_without_a_whole_window_or_a_limit_there_is_no_goodput() -> None:
    assert use([(-5.0, 100)], measured=12.0).goodput is None
    assert use([]).goodput is None
    live: JsonObject = {"rule": {"window": 1.0}, "windows": [], "window_ends_in": 0.5, "used": 0}
    assert windows_of({"windows": []}, live, looked_at=1, last_answer=0, measured=1, limits=[]) == ()
