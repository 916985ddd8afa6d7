"""A sandbox whose calls sleep does not slow another's: throughput of a clean one, alone and beside 200 sleepers.

    .venv/bin/python benchmarks/delays.py [--workers 1] [--sleepers 200] [--rounds 7] [--seconds 3]

Needs wrk. The sleepers' delays come from a rule of their sandbox, over the admin port, as a tester would set it. The
server has one core and wrk another; each round is alone and then beside.

Two answers. By the clock: calls a second beside, of those alone; only a quiet machine can say. By CPU time, which other
work on the machine hardly disturbs: what the server spends more for each clean call beside is what the sleepers cost;
at their full rate they take so much of a core, and the clean sandbox keeps the rest. Exit 1 where that is below 90 %.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

from loading import LOAD_CORE, SERVER_CORE, rate, spent
from serving import Server, serving

DELAY = 2000
CLEAN = 16  #: connections of the clean sandbox


@dataclass(frozen=True)
class Load:
    """What a load on the server came to: calls a second, and the server's CPU seconds for each."""

    rate: float
    cost: float


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("workers", 1), ("sleepers", 200), ("rounds", 7), ("seconds", 3)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    options = parser.parse_args()
    words = ("--state", "memory", "--workers", str(options.workers))
    with serving(*words, before=SERVER_CORE if options.workers == 1 else ()) as server:
        clean, slow = (server.admin("POST", "/sandboxes", {})["api_key"] for _ in range(2))
        rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"delay": {"fixed": DELAY}}}
        server.admin("POST", f"/sandboxes/{slow}/rules", {"rules": [rule]})
        loaded(server, clean, 2)  # warm
        rounds = [measured(server, clean, slow, options) for _ in range(options.rounds)]
    by_clock, cost = (statistics.median(column) for column in zip(*rounds, strict=True))
    by_cpu = 1 - cost * options.sleepers * 1000 / DELAY
    print(f"a sleeping call costs {cost * 1e6:.0f} us of CPU time (medians of {options.rounds} rounds)")
    print(f"the clean sandbox keeps {by_clock:.1%} by the clock, {by_cpu:.1%} by CPU time")
    return 0 if by_cpu >= 0.9 else 1


def measured(server: Server, clean: str, slow: str, options: argparse.Namespace) -> tuple[float, float]:
    """One round: what the clean sandbox keeps by the clock, and CPU seconds for each sleeping call."""
    alone = loaded(server, clean, options.seconds)
    sleepers = start_wrk(server, slow, options.sleepers, options.seconds + 3)
    time.sleep(1)  # all of them sleep by now
    beside = loaded(server, clean, options.seconds)
    slept = rate(sleepers.communicate()[0])
    cost = (beside.cost - alone.cost) * beside.rate / slept
    print(
        f"alone {alone.rate:6.0f}/s, {alone.cost * 1e6:5.0f} us each    beside {beside.rate:6.0f}/s, {beside.cost * 1e6:5.0f} us "
        f"each    sleepers {slept:4.0f}/s, {cost * 1e6:5.0f} us each"
    )
    return beside.rate / alone.rate, cost


def loaded(server: Server, key: str, seconds: int) -> Load:
    """Load on the clean sandbox."""
    before = spent(server.process.pid)
    found = rate(start_wrk(server, key, CLEAN, seconds).communicate()[0])
    return Load(found, (spent(server.process.pid) - before) / (found * seconds))


def start_wrk(server: Server, key: str, connections: int, seconds: int) -> subprocess.Popen[str]:
    """Load on one sandbox."""
    url = f"{server.told['baseUrl']}/sa/customers/C-1001?api_key={key}"
    command = [*LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    sys.exit(main())
