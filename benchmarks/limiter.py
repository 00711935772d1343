"""The limiter beside its peers: one table per figure, `results/limiter.json`, and the staircase `results/limiter.svg`.

    python benchmarks/limiter.py [--quick] [--jobs 2] [--out DIRECTORY]

The peers are in the dependency group `bench`. What the figures mean stands in `benchmarks/README.md`. `--quick` asks
for fewer requests and rounds, and writes to `results/quick/`.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import limiter_costs
import limiter_crowd
import limiter_plot
from limiter_cancels import CANCELS
from limiter_figures import CHANGING_LIMIT, FIRST_REQUEST, REFUSALS, UTILISATION
from limiter_report import RESULTS, Result, Row, circumstances, table, write

SIMULATED: Final = {figure.name: figure for figure in (UTILISATION, REFUSALS, CANCELS, FIRST_REQUEST, CHANGING_LIMIT)}
TIMED: Final = (limiter_costs.FIGURE, limiter_crowd.FIGURE)
_ORDER: Final = ("G1", "G2", "G5", "G6", "G7", "G8", "G9")


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def simulate(figure: str, peer: str, quick: bool) -> Row:
    """One row, in a process of its own."""
    return SIMULATED[figure].row(peer, quick)


def simulated(*, quick: bool, jobs: int) -> list[Result]:
    """The figures in virtual time: the machine's load does not matter to them."""
    with ProcessPoolExecutor(jobs) as pool:
        pending = {
            (name, peer): pool.submit(simulate, name, peer, quick)
            for name, figure in SIMULATED.items()
            for peer in reversed(figure.limiters)  # the slow ones first
        }
        results: list[Result] = []
        for name, figure in SIMULATED.items():
            results.append(Result(figure, [pending[name, peer].result() for peer in figure.limiters]))
            say(f"{name} simulated")
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests and rounds: under two minutes")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes for the simulated figures")
    parser.add_argument("--out", type=Path, help="the directory for limiter.json and limiter.svg")
    options = parser.parse_args()
    out: Path = options.out or (RESULTS / "quick" if options.quick else RESULTS)

    load = os.getloadavg()
    results = [Result(figure, figure.rows(say, options.quick)) for figure in TIMED]
    results += simulated(quick=options.quick, jobs=options.jobs)
    results.sort(key=lambda result: _ORDER.index(result.figure.name))
    around = circumstances(quick=options.quick, load_before=load)
    write(out / "limiter.json", around, results)
    limiter_plot.draw(out / "limiter.json", out / "limiter.svg")

    print("\n\n".join(table(result) for result in results))
    print(f"\nPython {around['python']}, {around['machine']}, load {around['load_before']} → {around['load_after']}.")
    print(f"Ours: {', '.join(f'{result.figure.name} {result.verdict}' for result in results)}.")


if __name__ == "__main__":
    main()
