"""What the benchmarks share: a server of their own, and its admin port over one connection."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from urllib3 import PoolManager


@dataclass
class Server:
    """A running ``mockspi serve``; ``told`` is its ready file."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any]
    pool: PoolManager = field(default_factory=PoolManager)

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call of the admin port, which must do well."""
        return self._call(self.told["adminUrl"] + path, method, body, {"Authorization": f"Bearer {self.told['adminToken']}"})

    def spi(self, key: str, path: str, method: str = "GET", body: Any = None) -> dict[str, Any]:
        """One SPI call, which must do well."""
        return self._call(f"{self.told['baseUrl']}{path}?api_key={key}", method, body, {})

    def _call(self, url: str, method: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
        sent = None if body is None else json.dumps(body)
        answer = self.pool.request(method, url, body=sent, headers={"Content-Type": "application/json", **headers}, timeout=60)
        found: dict[str, Any] = json.loads(answer.data or b"{}")
        if answer.status >= 300:
            sys.exit(f"{method} {url}: {answer.status} {found}")
        return found


@contextmanager
def serving(*words: str, before: Sequence[str] = ()) -> Iterator[Server]:
    """A server with these options; ``before`` is put before the command, such as taskset."""
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
        ready = Path(name) / "ready.json"
        options = ["--port", "0", "--ready-file", str(ready), "--log-calls", "off", *words]
        command = [*before, sys.executable, "-m", "mockspi", "serve", *options]
        process = subprocess.Popen(command, cwd=name, stdout=subprocess.DEVNULL)
        try:
            while not ready.exists():
                if process.poll() is not None:
                    sys.exit("the server did not start")
                time.sleep(0.05)
            yield Server(process, json.loads(ready.read_text()))
        finally:
            process.terminate()
            process.wait(60)


def until(port: int) -> None:
    """Wait for somebody who listens."""
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nobody listens on {port}")


def percentiles(milliseconds: Sequence[float]) -> str:
    """Median, 99th percentile and worst, as a line shows them."""
    ordered = sorted(milliseconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * part))] for part in (0.5, 0.99))
    return f"p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   worst {ordered[-1]:7.2f} ms   (n={len(ordered)})"
