"""The processes of a server, as Linux tells of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError):  # the thread has just ended
            found += map(int, task.read_text().split())
    return found


def family(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def sender_of(server: Any) -> int:
    """The process that sends webhooks: the first of a server's that has none below it."""
    return _leaves(server)[0]


def workers_of(server: Any) -> list[int]:
    """The processes that answer calls, the oldest first."""
    return _leaves(server)[1:]


def _leaves(server: Any) -> list[int]:
    return sorted(one for one in children(server.process.pid) if not children(one))


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
