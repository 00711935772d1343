"""A storm of cancelled waits, in virtual time: does the order hold, and does every permit come back?"""

import asyncio
import random
from typing import Final

import attrs
import limiter_time
from limiter_peers import BACK_OFF, NAMES, OURS, PEERS, Ours
from limiter_report import Row, Simulated
from limiter_worlds import START, Answer, MakePeer, Peer, Server, World, saturate

_WORLD: Final = World(limit=50, window=1.0, round_trip=0.02)
_ALIVE: Final = 150
_PATIENCE: Final = 60.0


@attrs.define
class Storm:
    """What happened."""

    cancelled: int = 0
    granted: int = 0
    inversions: int = 0
    """Grants to somebody who had asked after one who was granted later."""
    hung: int = 0
    """Calls that no patience brought to an end."""
    missing: int = 0
    """Requests that the last window of a saturated run lacks afterwards."""
    leaked: int | None = None
    """Permits that our own books show as under way although nothing is."""
    _latest: int = -1

    def see_grant(self, number: int) -> None:
        self.granted += 1
        self.inversions += number < self._latest
        self._latest = max(self._latest, number)


class _Callers:
    """Calls in the order in which they were made, and who of them still waits."""

    def __init__(self, peer: Peer, server: Server, storm: Storm, chance: random.Random) -> None:
        self._peer, self._server, self._storm, self._chance = peer, server, storm, chance
        self._waiting: dict[int, asyncio.Task[None]] = {}
        self.alive: set[asyncio.Task[None]] = set()
        self._asked = 0

    def start(self) -> None:
        task = asyncio.create_task(self._call())
        self.alive.add(task)
        task.add_done_callback(self.alive.discard)
        if self._chance.random() < 0.5:
            asyncio.get_running_loop().call_later(self._chance.uniform(0.0, 3.0), self._cancel, task)

    async def _call(self) -> None:
        number, self._asked = self._asked, self._asked + 1
        task = asyncio.current_task()
        assert task is not None
        self._waiting[number] = task

        async def send() -> Answer:
            self._waiting.pop(number, None)
            self._storm.see_grant(number)
            if self._waiting and self._chance.random() < 0.5:
                # The next in line may hold a permit already that its task has not seen yet.
                front = min(self._waiting) if self._chance.random() < 0.5 else self._chance.choice([*self._waiting])
                self._cancel(self._waiting[front])
            await asyncio.sleep(_WORLD.round_trip)
            return self._server.answer()

        try:
            await self._peer.call(send)
        finally:
            self._waiting.pop(number, None)

    def _cancel(self, task: asyncio.Task[None]) -> None:
        self._storm.cancelled += task.cancel()


async def _storm(make: MakePeer, cancels: int) -> Storm:
    storm, chance = Storm(), random.Random(7)
    clock = limiter_time.VirtualClock(START)
    with limiter_time.in_place_of_the_machines(clock):
        peer, server = make(_WORLD, clock), Server(_WORLD, clock)
        callers = _Callers(peer, server, storm, chance)
        progress, since = 0, clock.monotonic()
        while storm.cancelled < cancels and clock.monotonic() - since < _PATIENCE:
            while len(callers.alive) < _ALIVE:
                callers.start()
            await asyncio.sleep(0.02)
            if storm.granted > progress:
                progress, since = storm.granted, clock.monotonic()
        late = set(callers.alive)
        if late:
            _, late = await asyncio.wait(late, timeout=_PATIENCE)
        storm.hung = len(late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if isinstance(peer, Ours):
            quota = peer.limiter.quota
            storm.leaked = quota.in_flight + quota.waiting + (not peer.limiter.idle)
        seen = await saturate(peer, Server(attrs.evolve(_WORLD, seconds=6.5), clock))
        storm.missing = _WORLD.limit - seen.full_windows[-1][1]
        await peer.close()
    return storm


def _cancels(name: str, quick: bool) -> Row:
    if name == BACK_OFF:
        return Row(name, ("no queue", "", "", ""), {}, None)
    cancels = (100_000, 5_000)[quick] if name == OURS else (10_000, 1_000)[quick]
    storm = limiter_time.run(_storm(PEERS[name], cancels))
    cells = (f"{storm.cancelled:,}", *(f"{count:,}" for count in (storm.inversions, storm.hung, storm.missing)))
    met = not (storm.inversions or storm.hung or storm.missing or storm.leaked)
    return Row(name, cells, attrs.asdict(storm, filter=lambda field, _: field.name != "_latest"), met)


CANCELS: Final = Simulated(
    name="G7",
    title="a storm of cancelled calls: order among those that were granted, and what is missing afterwards",
    columns=("cancels", "FIFO inversions", "calls that hang", "requests missing per window of 50"),
    goal="0, 0 and 0",
    row=_cancels,
    limiters=NAMES,
)
