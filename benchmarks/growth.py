"""What size costs: sets of 1,000, 100,000 and 1,000,000 customers, 500 sandboxes, and a journal at its bound.

    .venv/bin/python benchmarks/growth.py [--sizes 1000,100000,1000000] [--rounds 5] [--seconds 2] [--json FILE]

Needs wrk, and for a million 6 GB of disk. Starts have every core, and are measured one by one; the servers that take the load
run at once, on one core, in turn. Searches are measured with --fast-door off, so that every one is made. Sets are kept in
~/.cache/mockspi-bench, and what they compile to, until starts are measured again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import generate
import machine
from calls import FAR, HOT, KEY, carts
from loading import SERVER_CORE, Load, answered, each, footprint, free_port, loaded, medians, posts, ratios, spread
from scaling import origin
from serving import Server, serving
from starting import CALL

BASE = "/spi/1.0"
#: a process between us and one start: what its children used is of that start alone
BETWEEN = (
    "import resource, subprocess, sys\n"
    "subprocess.run(sys.argv[1:])\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
COMPILED = generate.scratch() / "compiled"
WARM = 3  #: seconds
PARTS = ("starts", "calls", "sandboxes", "journal")
Rounds = dict[str, list[Load]]


def main() -> int:
    """Measure and print, part by part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,100000,1000000")
    for flag, default in (("rounds", 5), ("seconds", 2), ("sandboxes", 500)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--json", type=Path, help="write the figures here; parts that are not measured are kept")
    options = parser.parse_args()
    document: dict[str, Any] = {}
    if options.json and options.json.exists():
        document = json.loads(options.json.read_text("utf-8"))
    document["machine"] = machine.described()
    print("\n".join(f"{name:8} {value}" for name, value in document["machine"].items()), flush=True)
    sizes = [int(one) for one in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(COMPILED)
        for part in options.only.split(","):
            document[part] = {"starts": starts, "calls": calls, "sandboxes": sandboxes, "journal": journal}[part](
                sizes, folder, options
            )
            if options.json:
                options.json.write_text(json.dumps(document, indent=1, default=asdict) + "\n", "utf-8")
    return 0


def starts(sizes: list[int], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """First and further starts of each size: seconds to the first answer, CPU seconds, and for the first the peak."""
    found: dict[str, Any] = {}
    shutil.rmtree(COMPILED, ignore_errors=True)
    print(f"\n{'customers':>10}{'first start':>13}{'of CPU':>9}{'peak':>11}   {'further starts':22}of CPU")
    for size in sizes:
        fixtures = generate.kept(size)
        first, *rest = [started(fixtures, folder / f"state-{size}") for _ in range(options.rounds + 1)]
        found[str(size)] = {"first": first, "further": rest}
        times, cpu = ([one[key] for one in rest] for key in ("seconds", "cpu"))
        print(f"{size:10}{first['seconds']:11.1f} s{first['cpu']:7.1f} s{first['peak']:7.0f} MiB", end="   ")
        print(f"{spread(times):18} s  {spread(cpu)} s", flush=True)
    return found


def started(fixtures: Path, state: Path) -> dict[str, float]:
    """One start to the first answer: seconds, CPU seconds of all processes, and the largest resident size of one (MiB)."""
    port, before = free_port(), resource.getrusage(resource.RUSAGE_CHILDREN)
    words = ("--port", str(port), "--admin-port", "0", "--state", str(state), "--fixtures", str(fixtures))
    begun = time.perf_counter()
    command = [sys.executable, "-c", BETWEEN, sys.executable, "-m", "mockspi", "serve", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    answered(process, f"http://127.0.0.1:{port}{CALL}")
    took = time.perf_counter() - begun
    (server,) = (int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    os.kill(server, 15)
    told = process.communicate(timeout=60)[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": took, "cpu": cpu, "peak": int(told.split()[-1]) / 1024}


def own(size: int, count: int) -> list[int]:
    """Numbers of generated customers, spread over a set."""
    last = size - 20  # the sample's own stand first
    many = min(count, last)
    return [1 + last * one // many for one in range(many)]


def scripts(size: int) -> dict[str, str]:
    """What wrk sends to a set of this size."""
    hot = [f"{BASE}/sa/customers/G-{n}?api_key={KEY}" for n in own(size, HOT)]
    far = [f"{BASE}/sa/customers/G-{n}?api_key={KEY}" for n in own(size, FAR)]
    mails = [f"{BASE}/sa/customers?email={one}&api_key={KEY}" for one in addresses(own(size, FAR))]
    names = [f"{BASE}/sa/customers?lastName={quote(one)}&pageSize=10&api_key={KEY}" for one in beginnings()]
    return {"hot": each(hot), "get": each(far), "email": each(mails), "prefix": each(names)}


def addresses(numbers: Sequence[int]) -> list[str]:
    """As many e-mail addresses at every size, each in another spelling, so that none is asked for twice."""
    ways = itertools.islice(spelled("generated"), -(-FAR // len(numbers)))
    return [f"{way}.{n}%40mail.example" for way in ways for n in numbers][:FAR]


def beginnings() -> list[str]:
    """Beginnings of last names that ten customers have at every size, so that all replies are as long."""
    return [way for ways in zip(*(itertools.islice(spelled(one), 8) for one in generate.START), strict=True) for way in ways]


def spelled(word: str) -> Iterator[str]:
    """A word in all its spellings of upper and lower case."""
    return ("".join(letters) for letters in itertools.product(*((one.lower(), one.upper()) for one in word)))


def calls(sizes: list[int], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Each kind of call at each size, and what the servers hold then (MiB)."""
    found: dict[str, Any] = {"calls": {}, "memory": {}}
    with ExitStack() as stack:
        doors: dict[str, dict[int, Server]] = {"on": {}, "off": {}}
        for size in sizes:
            for door, servers in doors.items():
                words = ("--fixtures", str(generate.kept(size)), "--fast-door", door, "--state", str(folder / f"{door}-{size}"))
                servers[size] = stack.enter_context(serving(*words, before=SERVER_CORE))
        print(f"\n{'':10}{'customers':>10}{'calls/s':>9}{'us each':>9}{'p99 ms':>9}   by CPU, times the smallest")
        for kind in scripts(sizes[0]):
            servers = doors["on" if kind == "hot" else "off"]
            paths = {}
            for size in sizes:
                paths[size] = folder / f"{kind}-{size}.lua"
                paths[size].write_text(scripts(size)[kind])
            loads = rounds({str(size): (servers[size], paths[size]) for size in sizes}, options)
            found["calls"][kind] = loads
            least = medians(loads[str(sizes[0])]).cost
            for size in sizes:
                one = medians(loads[str(size)])
                print(f"{kind:10}{size:10}{one.rate:9.0f}{one.cost:9.1f}{one.worst:9.2f}   {one.cost / least:.2f}", flush=True)
        for size in sizes:
            hot, others = (footprint(servers[size].process.pid) for servers in doors.values())
            found["memory"][str(size)] = {"hot": hot, "others": others}
            print(f"memory    {size:10}{hot:9.0f} MiB after hot, {others:.0f} MiB after the others", flush=True)
    return found


def rounds(sides: dict[str, tuple[Server, Path]], options: argparse.Namespace) -> Rounds:
    """Loads in turn; the first of each warms up."""
    found: Rounds = {name: [] for name in sides}
    for turn in range(options.rounds + 1):
        for name, (server, script) in sides.items():
            load = loaded(origin(server), script, server.process.pid, options.seconds if turn else WARM)
            if turn:
                found[name].append(load)
    return found


def sandboxes(sizes: list[int], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """What sandboxes cost: made, read by each, written by each; MiB of memory and KiB of disk."""
    state, found = folder / "many", {}
    size = sizes[min(1, len(sizes) - 1)]
    with serving("--fixtures", str(generate.kept(size)), "--state", str(state), before=SERVER_CORE) as server:
        server.spi(KEY, "/sa/customers/C-1001")
        keys: list[str] = []
        print(f"\n{options.sandboxes} sandboxes over {size} customers: memory of all processes, state folder")
        for step in ("none", "made", "read", "written"):
            if step == "made":
                keys += [server.admin("POST", "/sandboxes", {})["api_key"] for _ in range(options.sandboxes)]
            for key in keys if step in ("read", "written") else ():
                more = ("POST", {"profile": {"firstName": "Ann", "lastName": "Bench"}}) if step == "written" else ()
                server.spi(key, "/sa/customers" if more else "/sa/customers/C-1001", *more)
            time.sleep(1)
            found[step] = {"memory": footprint(server.process.pid), "disk": disk(state)}
            print(f"  {step:8}{found[step]['memory']:8.1f} MiB{found[step]['disk']:9.0f} KiB", flush=True)
    return found


def disk(folder: Path) -> float:
    """KiB that a state folder's own files hold; compiled sets are links."""
    return sum(one.stat().st_blocks for one in folder.glob("*.sqlite*")) / 2


def journal(sizes: list[int], folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A journal that drops an entry for each that comes, beside one that never does."""
    found: dict[str, Any] = {}
    far = ("--journal-entries", "10000000", "--journal-bytes", "10000000000")
    with ExitStack() as stack:
        sides = {}
        for name, words in (("bound", ()), ("boundless", far)):
            all_words = (*words, "--fixtures", str(generate.kept(sizes[0])), "--state", str(folder / name))
            sides[name] = stack.enter_context(serving(*all_words, before=SERVER_CORE))
        print(f"\n{'journal':10}{'at its bound':>14}{'boundless':>11}   calls/s, times (spread), times by CPU")
        for kind, text in {
            "hot": scripts(sizes[0])["hot"],
            "tax": posts(f"{BASE}/taxEngine/calculateTax?api_key={KEY}", carts()),
        }.items():
            script = folder / f"{kind}.lua"
            script.write_text(text)
            for server in sides.values():  # 10,000 entries and more
                loaded(origin(server), script, server.process.pid, 10 if kind == "tax" else 3)
            found[kind] = loads = rounds({name: (server, script) for name, server in sides.items()}, options)
            bound, free = medians(loads["bound"]), medians(loads["boundless"])
            print(f"{kind:10}{bound.rate:14.0f}{free.rate:11.0f}   {spread(ratios(loads['bound'], loads['boundless']))}, "
                  f"{free.cost / bound.cost:.2f}", flush=True)  # fmt: skip
    return found


if __name__ == "__main__":
    sys.exit(main())
