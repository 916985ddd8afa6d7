"""What a second worker gives, and how many calls wait at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from calls import Kind
from loading import SERVER_CORE, Load, each, loaded
from serving import Server, serving

WARM = 5  #: seconds: each worker keeps replies of its own
SHARED = 64  #: connections, which the kernel spreads over the workers as it likes
REST = 0.5  #: seconds in which a server writes what it noted, and the other is not measured
DELAY = 50  #: milliseconds
WAITING = 256  #: connections
MOST = WAITING / (DELAY / 1000)  #: calls a second that they can have answered


def workers(kinds: Sequence[Kind], fixtures: Path, folder: Path, rounds: int, seconds: int) -> dict[str, dict[str, list[Load]]]:
    """One worker and two, in turn, on both cores, which they share with the load."""
    found: dict[str, dict[str, list[Load]]] = {one.name: {"1 worker": [], "2 workers": []} for one in kinds}
    with ExitStack() as stack:
        words = ("--state", "memory", "--fixtures", str(fixtures))
        servers = {name: stack.enter_context(serving(*words, "--workers", name[0])) for name in ("1 worker", "2 workers")}
        for kind in kinds:
            script = folder / "workers.lua"
            script.write_text(kind.script)
            for turn in range(rounds + 1):
                for name, server in servers.items():
                    load = loaded(origin(server), script, server.process.pid, seconds if turn else WARM, SHARED, cores=())
                    time.sleep(REST)
                    if turn:
                        found[kind.name][name].append(load)
    return found


def delayed(folder: Path, rounds: int, seconds: int) -> list[Load]:
    """What so many connections get answered with this delay."""
    with serving("--state", "memory", before=SERVER_CORE) as server:
        key = server.admin("POST", "/sandboxes", {})["api_key"]
        rule = {"when": {"contract": "GET_CUSTOMER"}, "then": {"delay": {"fixed": DELAY}}}
        server.admin("POST", f"/sandboxes/{key}/rules", {"rules": [rule]})
        script = folder / "delayed.lua"
        script.write_text(each([f"/spi/1.0/sa/customers/C-1001?api_key={key}"]))
        loads = [loaded(origin(server), script, server.process.pid, seconds, WAITING) for _ in range(rounds + 1)]
    return loads[1:]  # the first warmed up


def origin(server: Server) -> str:
    """Its address without a path."""
    return str(server.told["baseUrl"]).partition("/spi/")[0]
