"""Which promise holds on which transport: `python tests/transports_table.py` writes it into docs/transports.md."""

import re
from collections import defaultdict
from pathlib import Path

import promises
from contract.candidates import GAPS, TRANSPORTS

from setsmart_async.testing.transport_contract import Candidate
from setsmart_async.testing.transport_contract._suite.misbehaviour import CATALOGUE
from setsmart_async.testing.transport_contract.collecting import suite

PAGE = Path(__file__).parent.parent / "docs" / "transports.md"
BEGIN, END = "<!-- begin: python tests/transports_table.py -->\n", "<!-- end -->\n"


def tried() -> dict[int, bool]:
    """By promise that the suite tries: whether it takes sockets to."""
    needs: dict[int, list[bool]] = defaultdict(list)
    for name, test in suite().items():
        for number in re.findall(r"_r(\d\d)(?=_)", name):
            needs[int(number)].append(test.needs_sockets)
    for misbehaviour in CATALOGUE:
        needs[int(misbehaviour.number.removeprefix("r"))].append(True)
    return {number: all(sockets) for number, sockets in sorted(needs.items())}


def table() -> str:
    said = {number: promise for part in promises.PROMISES.values() for number, promise in part.items()}
    reasons: list[str] = []

    def cell(candidate: Candidate, number: int, *, needs_sockets: bool) -> str:
        if needs_sockets and not candidate.has_sockets:
            return "\N{EN DASH}"
        notes = []
        for gap in GAPS:
            if number in gap.promises and candidate.name in gap.transports:
                if gap.reason not in reasons:
                    reasons.append(gap.reason)
                notes.append(str(reasons.index(gap.reason) + 1))
        return f"but for {', '.join(notes)}" if notes else "yes"

    lines = [f"| | promise | {' | '.join(one.name for one in TRANSPORTS)} |", f"|---|---|{'---|' * len(TRANSPORTS)}"]
    for number, needs_sockets in tried().items():
        cells = " | ".join(cell(one, number, needs_sockets=needs_sockets) for one in TRANSPORTS)
        lines.append(f"| R-{number} | {said[number]} | {cells} |")
    lines += ["", *(f"{place}. {reason[0].upper()}{reason[1:]}." for place, reason in enumerate(reasons, start=1))]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page as it is, with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
