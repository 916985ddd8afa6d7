"""``python -m mockspi`` in processes of their own that begin with everything imported: forks of one that does nothing else.

Importing is more than half of most commands' time, and the suite runs hundreds. What begins cold is shown where it matters:
test_start, test_packaging, test_plugin, test_run, test_howtos, and wherever a test starts ``sys.executable`` itself.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

_LARGEST = 1 << 20  #: bytes of one order
_MODULES = (
    "mockspi.building", "mockspi.compiling", "mockspi.rehearsing", "mockspi.admin", "mockspi.replaying", "mockspi.openapi",
    "mockspi.schema.marshalled", "mockspi.fixtures.checking", "mockspi.server.admin", "mockspi.server.again",
    "mockspi.server.launch", "mockspi.server.logs", "mockspi.server.rsgi", "mockspi.server.sending", "mockspi.server.watching",
    "mockspi.adminclient", "mockspi.metrics", "granian.server.mp", "uvloop", "concurrent.futures.thread",
)  # fmt: skip


class Begun:
    """A process that was begun here, as ``subprocess.Popen`` tells of it."""

    def __init__(self, words: Sequence[str], cwd: Path, env: dict[str, str], out: IO[Any], err: IO[Any]) -> None:
        self._told, theirs = socket.socketpair()
        order = json.dumps({"words": words, "cwd": str(cwd), "env": env}).encode()
        with theirs:
            socket.send_fds(_house(), [order], [out.fileno(), err.fileno(), theirs.fileno()])
        self._lines = self._told.makefile("r")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended, if it has."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(self._lines.readline()))
            self._lines.close()
            self._told.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""
        if self.returncode is None and not select.select([self._told], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("mockspi", timeout or 0)
        ended = self.poll()
        assert ended is not None
        return ended

    def send_signal(self, sign: int) -> None:
        """As a user would."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def is_possible(env: dict[str, str]) -> bool:
    """Whether nothing is asked for that only a new interpreter can do; coverage begins with one."""
    return not _of_python(os.environ, "COV") and _of_python(env) == _of_python(dict(_house_environment()))


def _of_python(env: Any, *more: str) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(more or ("PYTHON",))}


@cache
def _house_environment() -> tuple[tuple[str, str], ...]:
    return tuple(os.environ.items())


@cache
def _house() -> socket.socket:
    """The connection to the one that has imported everything, which ends when its other end is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        for one in (ours, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * _LARGEST)
        command = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=dict(_house_environment()))

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


def house(number: int) -> dict[str, Any] | None:
    """In the one that has imported everything: an order, in the process that shall follow it; nothing at the end."""
    with socket.socket(fileno=number) as orders:
        while True:
            order, descriptors, _, _ = socket.recv_fds(orders, _LARGEST, 3)
            if not order:
                with suppress(ChildProcessError):  # all have ended
                    while os.wait():
                        pass
                return None
            if os.fork() == 0:
                break
            for one in descriptors:
                os.close(one)
            with suppress(ChildProcessError):  # nobody is left
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
    out, err, told = descriptors
    child = os.fork()
    if child == 0:
        os.close(told)
        os.dup2(out, 1)
        os.dup2(err, 2)
        for one in (out, err):
            os.close(one)
        found: dict[str, Any] = json.loads(order)
        return found
    for one in (out, err):
        os.close(one)
    os.write(told, b"%d\n" % child)
    status = os.waitpid(child, 0)[1]
    os.write(told, b"%d\n" % status)
    os._exit(0)


def main() -> None:
    """Import everything, and then be what is ordered."""
    from importlib import import_module
    from pkgutil import iter_modules

    import mockspi.cli

    for name in (*_MODULES, *(f"mockspi.cli.{one.name}" for one in iter_modules(mockspi.cli.__path__))):
        import_module(name)
    gc.collect()
    gc.freeze()
    order = house(int(sys.argv[1]))
    if order is None:
        return
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    sys.path[0] = order["cwd"]
    sys.argv = ["mockspi", *order["words"]]
    time.tzset()
    code: Any = None
    try:
        runpy.run_module("mockspi", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    assert code is None or isinstance(code, int), code
    threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter does at its end
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)  # to take every module to pieces would be the longest part of most commands


if __name__ == "__main__":
    main()
