"""An hour of calls at full rate: the memory of every process, the journal's drops and its file, minute by minute.

    .venv/bin/python benchmarks/soak.py [--minutes 60] [--workers 1] [--connections 16] [--sandboxes 50]

Needs wrk. The calls read, search, create, are refused and come without a key, over many sandboxes, which are
made, reset and deleted meanwhile; Linux only (/proc). The last line compares the last quarter with the second: in
the first one caches and journals fill.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from loading import family, resident
from serving import Server, serving

_SCRIPT = """
local keys = { KEYS }
local n = 0
local json = {["Content-Type"] = "application/json"}
request = function()
  n = n + 1
  local key = "api_key=" .. keys[n % #keys + 1]
  local kind = n % 20
  if kind == 0 then
    body = '{"profile":{"firstName":"Soak","lastName":"Test","emails":[{"email":"s' .. math.random(1e15) .. '@example.com"}]}}'
    return wrk.format("POST", "BASE/sa/customers?" .. key, json, body)
  elseif kind == 1 then return wrk.format("GET", "BASE/sa/customers/nobody?" .. key)
  elseif kind == 2 then return wrk.format("GET", "BASE/sa/customers/C-1001")
  elseif kind == 3 then return wrk.format("GET", "BASE/sa/customers?lastName=smith&" .. key)
  elseif kind == 4 then return wrk.format("POST", "BASE/sa/customers?" .. key, json, '{"broken')
  elseif kind == 5 then return wrk.format("GET", "BASE/no/such/path?" .. key)
  else return wrk.format("GET", "BASE/sa/customers/C-" .. (1001 + n % 10) .. "?" .. key) end
end
"""


def main() -> int:
    """Run, print a line a minute, judge."""
    options = arguments()
    with serving("--workers", str(options.workers), "--state", "memory") as server, tempfile.TemporaryDirectory() as folder:
        keys = [mint(server) for _ in range(options.sandboxes)]
        root, _, base = server.told["baseUrl"].partition("/spi")
        quoted = ", ".join(f'"{key}"' for key in keys)
        script = Path(folder) / "soak.lua"
        script.write_text(_SCRIPT.replace("KEYS", quoted).replace("BASE", f"/spi{base}"))
        command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.minutes * 60}s", "-s", str(script), root]
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        seen = watched(load, server, keys)
        print(load.communicate()[0])
    quarter = max(1, len(seen) // 4)
    second, last = (statistics.median(part) for part in (seen[quarter : 2 * quarter] or seen, seen[-quarter:]))
    print(f"resident memory of all processes: start {seen[0]} MiB, middle {seen[len(seen) // 2]} MiB, end {seen[-1]} MiB; "
          f"second quarter {second:.0f}, last quarter {last:.0f} MiB")  # fmt: skip
    return 0 if last <= second * 1.1 else 1


def mint(server: Server) -> str:
    """The key of a new sandbox."""
    return str(server.admin("POST", "/sandboxes", {})["api_key"])


def arguments() -> argparse.Namespace:
    """How long and how much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("minutes", 60), ("workers", 1), ("connections", 16), ("sandboxes", 50)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    return parser.parse_args()


def watched(load: subprocess.Popen[str], server: Server, keys: list[str]) -> list[int]:
    """Mebibytes of all processes together, each minute until the load ends."""
    seen: list[int] = []
    print("minute  calls  memory by process (MiB)  sandboxes  journal dropped")
    while load.poll() is None:
        time.sleep(60 if seen else 10)
        churned(server, keys)
        sizes = [round(resident(pid)) for pid in family(server.process.pid)]
        numbers = metrics(server)
        seen.append(sum(sizes))
        print(f"{len(seen) - 1:4}  {numbers['calls']:10.0f}  {' + '.join(map(str, sizes))} = {seen[-1]}  "
              f"{numbers['mockspi_sandboxes']:.0f}  {numbers['mockspi_journal_dropped']:.0f}", flush=True)  # fmt: skip
    return seen


def churned(server: Server, keys: list[str]) -> None:
    """What a day of tests does meanwhile: sandboxes come and go, and written ones are reset."""
    for _ in range(20):
        key = mint(server)
        server.admin("POST", f"/sandboxes/{key}/reset", {})
        server.admin("DELETE", f"/sandboxes/{key}")
    for key in keys:
        server.admin("POST", f"/sandboxes/{key}/reset", {"records": True})


def metrics(server: Server) -> dict[str, float]:
    """The numbers of /metrics by name, those with labels left out; ``calls`` is the sum of all requests."""
    headers = {"Authorization": f"Bearer {server.told['adminToken']}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{server.told['adminUrl']}/metrics", headers=headers), timeout=60
    ) as reply:
        lines = reply.read().decode().splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    found = {name: float(value) for name, value in pairs if "{" not in name}
    found["calls"] = sum(float(value) for name, value in pairs if name.startswith("mockspi_requests_total"))
    return found


if __name__ == "__main__":
    sys.exit(main())
