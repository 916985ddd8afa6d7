"""How near mockspi comes to the server that carries it: each kind of call beside a constant reply of the same size.

    .venv/bin/python benchmarks/bench.py [--rounds 5] [--seconds 2] [--customers 1000] [--only hot,unauthorized] [--json FILE]

Needs wrk. The server has one core and the load another; rounds alternate between the two servers. Two figures: calls a
second, which only a quiet machine can say, and the server's CPU time for each call, which other work hardly disturbs.
Everything is as a user runs it: journal, sandbox and checks on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import generate
from delays import cpu, family, rate
from serving import Server, serving, until

HERE = Path(__file__).parent
KEY = "mockspi-staging"
WARM = 1


@dataclass(frozen=True)
class Kind:
    """One kind of call: what wrk sends (Lua), and the least share of the raw server's calls that it must reach."""

    name: str
    lua: str
    least: float
    status: str = "200 OK"


@dataclass(frozen=True)
class Load:
    """What one round came to."""

    rate: float
    cost: float  #: CPU microseconds of the server for each call
    median: float  #: latency in milliseconds
    worst: float  #: the 99th percentile


def kinds(ids: list[str], mails: list[str]) -> list[Kind]:
    """The calls that are measured."""
    address = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}
    lines = [
        {"orderItemId": str(n), "productId": f"P-10{n:02}", "quantity": n, "price": 20 + n, "note": "x" * 250}
        for n in range(1, 6)
    ]
    cart = json.dumps(
        {"cartId": "CART-1", "storeId": "S-102", "currency": "USD", "destinationAddress": address, "productList": lines}
    )
    made = '{"profile": {"firstName": "Ann", "lastName": "Bench", "email": "\' .. tostring(n) .. salt .. \'@example.com"}}'
    return [
        Kind("hot", _each(ids, "/sa/customers/"), 0.8),
        Kind("email", _each(mails, "/sa/customers", "&email="), 0.3),
        Kind("prefix", _each(["Ashb", "Bramd", "Caldf", "Greng"], "/sa/customers", "&pageSize=10&lastName="), 0.3),
        Kind("tax", _post("/taxEngine/calculateTax", f"local body = {json.dumps(cart)}"), 0.15),
        Kind("create", _post("/sa/customers", "", f"local body = '{made}'"), 0.08),
        Kind("unauthorized", _each(["C-1001"], "/sa/customers/", key="wrong-key"), 0.9, "401 Unauthorized"),
    ]


def _each(values: list[str], path: str, query: str = "", key: str = KEY) -> str:
    """GETs over values in turn."""
    listed = ", ".join(json.dumps(one) for one in values)
    where = f'"{path}?api_key={key}{query}" .. v' if query else f'"{path}" .. v .. "?api_key={key}"'
    return (
        f"local values = {{{listed}}}\nlocal n = 0\n"
        f'request = function()\n n = n % #values + 1\n local v = values[n]\n return wrk.format("GET", base .. {where})\nend\n'
    )


def _post(path: str, before: str, each: str = "") -> str:
    """POSTs of JSON."""
    return (
        f'{before}\nlocal n = 0\nlocal salt = tostring(os.time()) .. tostring({{}}):gsub("[^%w]", "")\n'
        f'local headers = {{["Content-Type"] = "application/json"}}\nlocal where = base .. "{path}?api_key={KEY}"\n'
        f'request = function()\n n = n + 1\n {each}\n return wrk.format("POST", where, headers, body)\nend\n'
    )


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("rounds", 5), ("seconds", 2), ("customers", 1000), ("connections", 16)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--only", default="", help="kinds of calls, with commas between")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        folder = Path(name)
        generate.write(options.customers, folder / "set")
        records = json.loads((folder / "set/records/customers.json").read_text())["records"]
        own = [one["profile"] for one in records[:1000]]
        chosen = [
            one
            for one in kinds([one["customerId"] for one in own], [one["email"] for one in own if "email" in one])
            if one.name in (options.only.split(",") if options.only else one.name)
        ]
        with serving("--state", str(folder / "state"), "--fixtures", str(folder / "set"), before=_pinned()) as server:
            found = {one.name: measured(one, server, folder, options) for one in chosen}
    told(found, {one.name: one.least for one in chosen}, options)
    short = [one for one in chosen if _share(found[one.name]) < one.least]
    return 1 if short else 0


def measured(kind: Kind, server: Server, folder: Path, options: argparse.Namespace) -> dict[str, list[Load]]:
    """Rounds of one kind, raw and ours in turn."""
    script = folder / f"{kind.name}.lua"
    base = server.told["baseUrl"]
    origin, _, path = base.partition("/spi/")
    script.write_text(f'local base = "/spi/{path}"\n{kind.lua}')
    found: dict[str, list[Load]] = {"raw": [], "mockspi": []}
    length = _length(kind)
    with raw(length, kind.status) as (ceiling, process):
        for turn in range(options.rounds + 1):
            for name, url, pid in (("raw", ceiling, process.pid), ("mockspi", origin, server.process.pid)):
                load = loaded(url, script, pid, options.connections, WARM if turn == 0 else options.seconds, kind.status)
                if turn:
                    found[name].append(load)
    return found


def _length(kind: Kind) -> int:
    """How long a reply of ours is, roughly."""
    if kind.name == "unauthorized":
        return 0
    return {"email": 1200, "prefix": 5000, "tax": 2000}.get(kind.name, 1000)


@contextmanager
def raw(length: int, status: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The constant server, on the same core."""
    port = free_port()
    command = [
        *_pinned(), sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1", "--log-level",
        "error", "--blocking-threads", "1", "raw:app",
    ]  # fmt: skip
    environment = {**os.environ, "RAW_BYTES": str(length), "RAW_STATUS": status}
    process = subprocess.Popen(command, cwd=HERE, env=environment)
    try:
        until(port)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.wait(30)


def loaded(url: str, script: Path, pid: int, connections: int, seconds: int, status: str) -> Load:
    """One load, from another core."""
    before = _spent(pid)
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if status != "200 OK":
        text = text.replace("Non-2xx", "wanted")
    found = rate(text)
    parts = {one.split()[0]: _milliseconds(one.split()[1]) for one in text.splitlines() if one.strip()[:3] in ("50%", "99%")}
    return Load(found, (_spent(pid) - before) / (found * seconds) * 1e6, parts["50%"], parts["99%"])


def _milliseconds(text: str) -> float:
    for end, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if text.endswith(end):
            return float(text.removesuffix(end)) * factor
    return float(text)


def told(found: dict[str, dict[str, list[Load]]], least: dict[str, float], options: argparse.Namespace) -> None:
    """The table, and the same as JSON."""
    print(f"{'call':14}{'raw/s':>9}{'ours/s':>9}{'share':>8}{'by CPU':>8}{'asked':>7}{'us each':>9}{'p99 raw':>9}{'p99':>7}")
    for name, loads in found.items():
        ours, ceiling = (_medians(loads[side]) for side in ("mockspi", "raw"))
        print(
            f"{name:14}{ceiling.rate:9.0f}{ours.rate:9.0f}{_share(loads):8.2f}{ceiling.cost / ours.cost:8.2f}{least[name]:7.2f}"
            f"{ours.cost:9.0f}{ceiling.worst:9.2f}{ours.worst:7.2f}"
        )
    if options.json:
        document: dict[str, Any] = {
            "command": sys.argv,
            "machine": f"{platform.machine()} {platform.processor()} {os.cpu_count()} cores",
            "python": platform.python_version(),
            "calls": {
                name: {side: [vars(one) for one in rounds] for side, rounds in loads.items()} for name, loads in found.items()
            },
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n")


def _share(loads: dict[str, list[Load]]) -> float:
    """Median of the rounds' ratios."""
    return statistics.median(ours.rate / ceiling.rate for ours, ceiling in zip(loads["mockspi"], loads["raw"], strict=True))


def _medians(loads: list[Load]) -> Load:
    return Load(
        *(
            statistics.median(column)
            for column in zip(*((one.rate, one.cost, one.median, one.worst) for one in loads), strict=True)
        )
    )


def _spent(pid: int) -> float:
    return sum(cpu(one) for one in family(pid))


def _pinned() -> tuple[str, ...]:
    return ("taskset", "-c", "0")


def free_port() -> int:
    """A port that nobody has."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
