"""The figures that need no stopwatch: quota used, 429s, the first request of a window, a limit that moves."""

import math
import random
import statistics
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice, pairwise
from typing import Final

from limiter_peers import BACK_OFF, NAMES, OURS, PEERS, TOLD
from limiter_report import Row, Simulated
from limiter_worlds import START, Run, World, run

from setsmart_async.sandbox.quota import Algorithm

_STORM: Final = 20_000
"""Answers after which a run has shown what it has to show."""

_UTILISATION: Final[tuple[tuple[Algorithm, float, int, float], ...]] = (
    ("fixed", 1.0, 60, 0.999),
    ("fixed", 2.0, 60, 0.999),
    ("fixed", 10.0, 30, 0.999),
    ("fixed", 60.0, 20, 0.999),
    ("bucket", 10.0, 30, 0.99),
    ("sliding", 10.0, 30, 0.90),
    ("sliding", 60.0, 20, 0.99),
)
"""Algorithm, window, how many windows, least utilisation."""


def _utilisation(name: str, quick: bool) -> Row:
    cells = ["told" if name in TOLD else "no" if name == BACK_OFF else "learnt"]
    data: dict[str, object] = {}
    met = True
    for algorithm, window, all_windows, least in _UTILISATION:
        windows = max(8, all_windows // 6) if quick and name != OURS else all_windows
        seconds = (windows + 1.5) * window
        world = World(algorithm=algorithm, window=window, seconds=seconds, most_answers=_STORM)
        seen = run(PEERS[name], world)
        cells.append(f"{_percent(seen.utilisation)} / {len(seen.refused)}")
        data[f"{algorithm} {window:g} s"] = {
            "utilisation": seen.utilisation,
            "accepted": len(seen.accepted),
            "refused": len(seen.refused),
            "seconds": seen.ended - world.start - world.skew,
        }
        met = met and seen.utilisation >= least and not seen.refused
    return Row(name, tuple(cells), data, met)


UTILISATION: Final = Simulated(
    name="G1",
    title="quota used / 429s, with 200 tasks that always want more than 100 per window",
    columns=("limit", *(f"{algorithm} {window:g} s" for algorithm, window, _, _ in _UTILISATION)),
    goal="fixed ≥ 99.9 %, token bucket ≥ 99 %, sliding ≥ 90 % at 10 s and ≥ 99 % at 60 s, no 429",
    row=_utilisation,
    limiters=tuple(PEERS),
)

_ALGORITHMS: Final[tuple[Algorithm, ...]] = ("fixed", "bucket", "sliding")
_SKEWS: Final = (0.0, 7.3, -7.3, 100.0, -100.0)
_SHAPES: Final = ((1.0, 0.005), (2.0, 0.05), (5.0, 0.3), (10.0, 0.05), (60.0, 0.05), (1.0, 0.05), (10.0, 0.3))
"""(window, round trip) of the worlds, in turn."""
_WORLDS: Final = 10
_LEAST: Final = 500
"""Requests in one world."""


def _refusals(name: str, quick: bool) -> Row:
    requests = (100_000, 3_000)[quick] if name == OURS else (10_000, 500)[quick]
    cells = [f"{requests:,}"]
    data: dict[str, object] = {}
    met = True
    for algorithm in _ALGORITHMS:
        counts: list[int] = []
        answers = 0
        for skew in _SKEWS:
            runs = [run(PEERS[name], world) for world in _worlds(algorithm, skew, requests)]
            counts.append(sum(len(seen.refused) for seen in runs))
            answers += sum(len(seen.refused) + len(seen.accepted) for seen in runs)
        cells.append(" · ".join(f"{count:,}" for count in counts))
        by_skew = {f"{skew:+g} s": count for skew, count in zip(_SKEWS, counts, strict=True)}
        data[algorithm] = {"answers": answers, "refused": by_skew}
        met = met and not any(counts)
    return Row(name, tuple(cells), data, met)


def _worlds(algorithm: Algorithm, skew: float, requests: int) -> Iterator[World]:
    """Worlds of several windows, round trips and beginnings, with so many requests in all."""
    chance = random.Random(f"{algorithm} {skew}")
    worlds = min(_WORLDS, requests // _LEAST)
    each = requests // worlds
    for number, (window, round_trip) in enumerate(islice(cycle(_SHAPES), worlds)):
        yield World(
            algorithm=algorithm,
            window=window,
            skew=skew,
            round_trip=round_trip,
            start=START + chance.uniform(0.0, 60.0),
            seconds=(2 + each / 50) * window,
            most_answers=each,
            seed=number,
        )


REFUSALS: Final = Simulated(
    name="G2",
    title=f"429s with the server's clock off by {' · '.join(f'{skew:+g}' for skew in _SKEWS)} s",
    columns=("requests per number", *_ALGORITHMS),
    goal="no 429, from the first request on",
    row=_refusals,
    limiters=tuple(PEERS),
)

_FAR_OFF: Final = 61.7
"""A minute, but no multiple of a window: a peer that trusts its own clock must not be right by chance."""


def _first_request(name: str, quick: bool) -> Row:
    late: dict[float, list[float]] = {0.0: [], _FAR_OFF: [], -_FAR_OFF: []}
    refused = 0
    for window in (5.0, 10.0, 60.0):
        for seed in range(1 if quick else 4):
            start = START + random.Random(f"{window} {seed}").uniform(0.0, 60.0)
            for skew, moments in late.items():
                seconds = 8.5 * window
                world = World(window=window, skew=skew, start=start, seconds=seconds, seed=seed, most_answers=_STORM)
                seen = run(PEERS[name], world)
                moments.extend(_first_requests(seen))
                refused += len(seen.refused)
    worst = [max(moments, default=math.nan) for moments in late.values()]
    median = statistics.median([moment for moments in late.values() for moment in moments])
    cells = (*(f"{1000 * value:,.0f} ms" for value in (median, *worst)), f"{refused:,}")
    data: dict[str, object] = {
        "median_seconds": median,
        "worst_seconds": {f"{skew:+g} s": value for skew, value in zip(late, worst, strict=True)},
        "windows": sum(map(len, late.values())),
        "refused": refused,
    }
    return Row(name, cells, data, all(value <= 0.2 for value in worst) and not refused)


def _first_requests(seen: Run) -> list[float]:
    """When each window's first request was accepted, from the third window on."""
    window = seen.world.window
    firsts = [later for earlier, later in pairwise(seen.accepted) if later // window > earlier // window]
    return [moment % window for moment in firsts[1:]]


FIRST_REQUEST: Final = Simulated(
    name="G8",
    title="a window's first request after the true reset, third window on; fixed windows of 5, 10 and 60 s",
    columns=("median", "worst", f"worst, {_FAR_OFF:+g} s", f"worst, {-_FAR_OFF:+g} s", "429s"),
    goal="≤ 200 ms whatever the server's clock shows, no 429",
    row=_first_request,
    limiters=NAMES,
)

CHANGING: Final = World(tasks=300, seconds=120.0, changes=((40.0, 250), (80.0, 60)), most_answers=_STORM)
"""100 requests per 10 s, then 250, then 60; changed in the middle of a window."""
BIN: Final = 0.25
"""Seconds per number of the staircase that is drawn."""


def _changing(name: str, quick: bool) -> Row:
    seen = run(PEERS[name], CHANGING)
    cells: list[str] = []
    data: dict[str, object] = {}
    met = True
    ends = [after for after, _ in CHANGING.changes[1:]] + [CHANGING.seconds]
    for (after, limit), end in zip(CHANGING.changes, ends, strict=True):
        soon, refused = _until_used(seen, limit, CHANGING.start + after, CHANGING.start + end)
        cells += ["never" if soon is None else str(soon), f"{refused:,}"]
        data[f"to {limit}"] = {"windows_until_99_percent": soon, "refused": refused}
        met = met and soon == 1 and refused <= limit
    data["staircase"] = {
        "seconds": min(CHANGING.seconds, seen.ended - CHANGING.start),
        "accepted": _per_bin(seen.accepted),
        "refused": _per_bin(seen.refused),
    }
    return Row(name, tuple(cells), data, met)


def _until_used(seen: Run, limit: int, changed: float, end: float) -> tuple[int | None, int]:
    """How many full windows until 99 % of the new limit is used (1: the first), and 429s meanwhile and later."""
    window = CHANGING.window
    refused = sum(1 for moment in seen.refused if changed <= moment < end)
    whole = [count for number, count in seen.full_windows if changed <= number * window <= end - window]
    reached = (place for place, count in enumerate(whole, 1) if count >= 0.99 * limit)
    return next(reached, None), refused


def _per_bin(moments: list[float]) -> list[int]:
    counts = Counter(int((moment - CHANGING.start) / BIN) for moment in moments)
    return [counts[number] for number in range(int(CHANGING.seconds / BIN))]


CHANGING_LIMIT: Final = Simulated(
    name="G9",
    title="the limit changes in mid-window, 100 → 250 → 60 per 10 s: which full window is used to 99 %, and 429s",
    columns=("to 250: window", "429s", "to 60: window", "429s"),
    goal="the first full window, and no more 429s than a round trip's worth",
    row=_changing,
    limiters=NAMES,
)


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{math.floor(1000 * share) / 10:.1f} %"
