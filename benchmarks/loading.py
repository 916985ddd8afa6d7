"""What the benchmarks share: a load from wrk on a core of its own, and what it cost the server's processes. Linux only."""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

SERVER_CORE = ("taskset", "-c", "0")
LOAD_CORE = ("taskset", "-c", "1")
ALLOWED = "200 OK"
_PATIENCE = 3600.0  #: seconds: a first start of a large set
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    """What one load came to."""

    rate: float  #: calls a second
    cost: float  #: CPU microseconds of the server for each call
    median: float  #: latency in milliseconds
    worst: float  #: its 99th percentile


def loaded(
    url: str, script: Path, pid: int, seconds: int, connections: int = 16, status: str = ALLOWED, cores: Sequence[str] = LOAD_CORE
) -> Load:
    """One load by a script on the server that this process and its children are; only answers of this status count."""
    before = spent(pid)
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "--latency", "-s", str(script), url]
    done = subprocess.run([*cores, "wrk", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(options)}: {done.stdout}{done.stderr}")
    calls = rate(done.stdout if status == ALLOWED else done.stdout.replace("Non-2xx", "wanted"))
    p50, p99 = (_milliseconds(done.stdout, part) for part in ("50%", "99%"))
    return Load(calls, (spent(pid) - before) / (calls * seconds) * 1e6 if calls else 0.0, p50, p99)


def rate(text: str) -> float:
    """What wrk says; nothing but good replies counts."""
    found = re.search(r"Requests/sec:\s+(\S+)", text)
    if "Non-2xx" in text or "Socket errors" in text or found is None:
        sys.exit(text)
    return float(found[1])


def _milliseconds(text: str, part: str) -> float:
    found = re.search(rf"^\s+{part}\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    if found is None:
        sys.exit(text)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}[found[2]]


def medians(loads: Sequence[Load]) -> Load:
    """The median of each figure."""
    return Load(*(statistics.median(column) for column in zip(*map(astuple, loads), strict=True)))


def ratios(ours: Sequence[Load], theirs: Sequence[Load]) -> list[float]:
    """Round by round: our calls a second by theirs."""
    return [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and least and most, as tables show them."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def each(paths: Sequence[str]) -> str:
    """A script of GETs of these paths in turn; each run begins somewhere else, or what it asks for was asked for by the last."""
    listed = ",\n".join(f'"{one}"' for one in paths)
    return (
        f"local paths = {{{listed}}}\nlocal made = {{}}\n"
        'math.randomseed(tonumber(tostring({}):match("0x(%x+)"), 16) % 2147483647 + os.time())\nlocal n = math.random(#paths)\n'
        'init = function()\n for i, path in ipairs(paths) do made[i] = wrk.format("GET", path) end\nend\n'
        "request = function()\n n = n % #made + 1\n return made[n]\nend\n"
    )


def posts(path: str, body: str) -> str:
    """A script of POSTs of JSON; ``body`` is Lua, where ``n`` counts and ``salt`` is another each time."""
    return (
        'local n = 0\nlocal salt = tostring(os.time()) .. tostring({}):gsub("[^%w]", "")\n'
        'local headers = {["Content-Type"] = "application/json"}\n'
        f'request = function()\n n = n + 1\n return wrk.format("POST", "{path}", headers, {body})\nend\n'
    )


def first_answer(command: Sequence[str], url: str, *, cwd: Path | None = None, env: dict[str, str] | None = None) -> float:
    """Seconds from the start of a process to its first good answer to a GET of this URL; then it is ended."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        answered(process, url)
        return time.perf_counter() - begun
    finally:
        end(process)


def answered(process: subprocess.Popen[bytes], url: str) -> None:
    """Wait for the first answer with status 200, looking every two milliseconds, and more seldom after a second."""
    host, _, path = url.removeprefix("http://").partition("/")
    name, port = host.split(":")
    call = f"GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < _PATIENCE:
        with suppress(OSError), socket.create_connection((name, int(port)), 5) as one:
            one.sendall(call)
            if one.recv(64)[9:12] == b"200":
                return
        if process.poll() is not None:
            break
        time.sleep(max(0.002, waited / 500))
    end(process)
    sys.exit(f"no answer from {url}: {process.args!r}")


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a process that we started."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = " ".join(one.read_text() for one in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(one for child in children.split() for one in family(int(child)))]


def spent(pid: int) -> float:
    """CPU seconds of a process and all below it."""
    return sum(_cpu(one) for one in family(pid))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def resident(pid: int) -> float:
    """Mebibytes that a process has of its own, and its share of what it has with others (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def footprint(pid: int) -> float:
    """The same of a process and all below it."""
    return sum(resident(one) for one in family(pid))
