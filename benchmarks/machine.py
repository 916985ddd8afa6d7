"""On what a benchmark ran: the machine, how busy it was, versions, and the command."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def described() -> dict[str, Any]:
    """For the head of a table, and for its JSON."""
    model = [line.partition(":")[2].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) for line in _read("/proc/meminfo") if line.startswith("MemTotal")]
    return {
        "command": " ".join(["python", *sys.argv]),
        "cpu": f"{os.cpu_count()} x {(model or [platform.machine()])[0]}",
        "memory": f"{sum(memory) / 1024 / 1024:.0f} GiB",
        "kernel": platform.release(),
        "load": f"{os.getloadavg()[0]:.1f} before the run",
        "python": platform.python_version(),
        "granian": importlib.metadata.version("granian"),
        "mockspi": f"{importlib.metadata.version('mockspi')} {said('git', '-C', str(ROOT), 'describe', '--always', '--dirty')}",
        "wrk": said("wrk", "--version").partition(" [")[0],
    }


def said(*command: str) -> str:
    """The first line that a command prints; nothing where there is no such command."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def _read(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
