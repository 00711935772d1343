"""How much of a shared quota to ask for."""

from __future__ import annotations

from collections.abc import Sequence

from setsmart_async.limits.waiting_room import Waiter
from setsmart_async.priority import Priority


def demand(waiting: Sequence[int], first: Waiter | None, *, room: int, on_hand: int) -> list[int]:
    """By priority: what waits and has or will soon have one of `room` slots, less what is on hand."""
    found: list[int] = []
    for priority in Priority:
        wanted = min(waiting[priority], room)
        room -= wanted
        if wanted and first is not None and first.priority == priority:
            wanted = max(wanted, first.cost)  # it takes one slot, but may need more than one permit
        covered = min(wanted, on_hand)
        on_hand -= covered
        found.append(wanted - covered)
    return found
