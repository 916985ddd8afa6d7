"""A sandbox whose calls sleep does not slow another's: throughput of a clean one, alone and beside 200 sleepers.

    .venv/bin/python benchmarks/delays.py [--workers 2] [--sleepers 200] [--rounds 5] [--seconds 4]

Needs wrk. The sleepers' delays come from a rule of their sandbox, over the admin port, as a tester would set it.
Exit 1 where the clean sandbox keeps less than 90 % (median of the rounds' ratios, each alone and beside in turn).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

DELAY = 2000


def main() -> int:
    """Measure, print, judge."""
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        process, told = start(Path(name), options.workers)
        try:
            rounds = measured(told, options)
        finally:
            process.terminate()
            process.wait(30)
    alone, beside = (statistics.median(column) for column in zip(*rounds, strict=True))
    kept = statistics.median(two / one for one, two in rounds)
    print(f"median: alone {alone:.0f}/s  beside {options.sleepers} sleepers {beside:.0f}/s; kept {kept:.1%} (median of ratios)")
    return 0 if kept >= 0.9 else 1


def arguments() -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("workers", 1), ("sleepers", 200), ("rounds", 5), ("seconds", 4)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    return parser.parse_args()


def start(folder: Path, workers: int) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """A server of its own, once it is ready."""
    ready = folder / "ready.json"
    words = ["--port", "0", "--state", "memory", "--workers", str(workers), "--ready-file", str(ready), "--log-calls", "off"]
    command = [sys.executable, "-m", "mockspi", "serve", *words]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    while not ready.exists():
        if process.poll() is not None:
            sys.exit("the server did not start")
        time.sleep(0.05)
    return process, json.loads(ready.read_text())


def measured(told: dict[str, Any], options: argparse.Namespace) -> list[tuple[float, float]]:
    """Calls a second of the clean sandbox in each round: alone, and beside the sleepers."""
    clean, slow = sandbox(told), sandbox(told)
    rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"delay": {"fixed": DELAY}}}
    admin(told, f"/sandboxes/{slow}/rules", {"rules": [rule]})
    wrk(told, clean, 16, 1)  # warm
    rounds = []
    for number in range(options.rounds):
        alone = wrk(told, clean, 16, options.seconds)
        sleepers = start_wrk(told, slow, options.sleepers, options.seconds + 3)
        time.sleep(1)
        beside = wrk(told, clean, 16, options.seconds)
        slept = rate(sleepers.communicate()[0])
        rounds.append((alone, beside))
        print(
            f"round {number + 1}: alone {alone:8.0f}/s  beside {beside:8.0f}/s  {beside / alone:6.1%}  (sleepers {slept:.0f}/s)"
        )
    return rounds


def sandbox(told: dict[str, Any]) -> str:
    """The key of a new sandbox."""
    return str(admin(told, "/sandboxes", {})["api_key"])


def admin(told: dict[str, Any], path: str, body: dict[str, Any]) -> dict[str, Any]:
    """One call to the admin port."""
    headers = {"Authorization": f"Bearer {told['adminToken']}", "Content-Type": "application/json"}
    request = urllib.request.Request(told["adminUrl"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def wrk(told: dict[str, Any], key: str, connections: int, seconds: int) -> float:
    """Calls a second."""
    return rate(start_wrk(told, key, connections, seconds).communicate()[0])


def start_wrk(told: dict[str, Any], key: str, connections: int, seconds: int) -> subprocess.Popen[str]:
    """Load on one sandbox."""
    url = f"{told['baseUrl']}/sa/customers/C-1001?api_key={key}"
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def rate(text: str) -> float:
    """What wrk says; nothing but good replies counts."""
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(text)
    found = re.search(r"Requests/sec:\s+(\S+)", text)
    return float(found[1]) if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
