"""What a sandbox costs, whatever the size of the fixture set and however many sandboxes there are.

    .venv/bin/python benchmarks/generate.py 100000 /tmp/large
    .venv/bin/python benchmarks/sandboxes.py --fixtures /tmp/large [--sandboxes 2000] [--state DIR]

One connection, one call after another: the time until the client has the reply. Exit 1 where the median of making one
is not below 5 ms at every stage.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from serving import Server, percentiles, serving

ONCE = 300  #: sandboxes measured at each stage
CUSTOMER = {"profile": {"firstName": "Bench", "lastName": "Mark"}}


def main() -> int:
    """Measure with few sandboxes, then with many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", default="sample")
    parser.add_argument("--sandboxes", type=int, default=2000, help="how many there are at the second stage")
    parser.add_argument("--state", default="memory")
    parser.add_argument("--workers", default="1")
    options = parser.parse_args()
    words = ("--fixtures", options.fixtures, "--state", options.state, "--workers", options.workers)
    with serving(*words) as server:
        medians = [stage(server, "few sandboxes")]
        made = [server.admin("POST", "/sandboxes", {})["api_key"] for _ in range(options.sandboxes)]
        medians.append(stage(server, f"{len(made)} sandboxes"))
    return 0 if max(medians) < 5 else 1


def stage(server: Server, title: str) -> float:
    """Every verb of a sandbox's life; the median of making one."""
    print(title)
    for _ in range(50):
        server.admin("DELETE", f"/sandboxes/{server.admin('POST', '/sandboxes', {})['name']}")
    keys: list[str] = []
    made = timed("make", lambda _: keys.append(server.admin("POST", "/sandboxes", {})["api_key"]))
    timed("first call", lambda number: server.spi(keys[number], "/sa/customers/C-1001"))
    timed("second call", lambda number: server.spi(keys[number], "/sa/customers/C-1001"))
    timed("first write", lambda number: server.spi(keys[number], "/sa/customers", "POST", CUSTOMER))
    timed("reset after one write", lambda number: server.admin("POST", f"/sandboxes/{keys[number]}/reset", {}))
    timed("reset of an untouched one", lambda number: server.admin("POST", f"/sandboxes/{keys[number]}/reset", {}))
    timed("delete", lambda number: server.admin("DELETE", f"/sandboxes/{keys[number]}"))
    return statistics.median(made)


def timed(title: str, work: Callable[[int], Any]) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for number in range(ONCE):
        start = time.perf_counter()
        work(number)
        found.append((time.perf_counter() - start) * 1000)
    print(f"  {title:26} {percentiles(found)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
