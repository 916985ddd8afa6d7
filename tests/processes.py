"""The processes of a server, as Linux tells of them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


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
    """The process that sends webhooks: the second that a server starts, after who keeps the fixtures."""
    return sorted(children(server.process.pid))[1]


def admin_of(server: Any) -> int:
    """The process that answers the admin port."""
    (found,) = [one for one in _listening(server) if _listens(one, urlsplit(server.admin_url).port)]
    return found


def workers_of(server: Any) -> list[int]:
    """The processes that answer calls, the oldest first."""
    return [one for one in _listening(server) if _listens(one, urlsplit(server.base).port)]


def _listening(server: Any) -> list[int]:
    return sorted(children(server.process.pid))[2:]


def _listens(pid: int, port: int | None) -> bool:
    """Whether a process takes the connections that come to a port of the loopback."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    taken = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "0A"}
    links = set()
    with suppress(FileNotFoundError):  # it has just ended
        for one in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                links.add(str(one.readlink()))
    return bool(links & taken)


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
