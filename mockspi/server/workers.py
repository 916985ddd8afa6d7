"""Granian, and its processes: the workers that answer calls, and beside them the admin port's. One that ends is started again."""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.server import MPServer

from mockspi.server.ports import address_of

DRAIN_SECONDS = 10
AT_ONCE = 8192  #: calls that one worker may have under way; sleeping ones cost little
_ADMIN_THREADS = 128  # more than admin.verify.MOST_WAITING: who waits must not keep others from asking
_FASTEST = Loops.uvloop if find_spec("uvloop") else Loops.asyncio  # there is none for Windows


@dataclass(frozen=True, slots=True)
class Door:
    """Where a worker listens, and what makes its application, in its process."""

    host: str
    port: int
    load: Callable[[], Any]


class Workers(MPServer):
    """Granian's launcher, with one worker more than it knows of: a launcher of the admin port's own would cost more than that.

    ``begin`` is called once the last of them is forked: a thread that runs earlier could hold a lock that the fork copies.
    """

    def __init__(self, data: Door, admin: Door, workers: int, begin: Callable[[], None]) -> None:
        super().__init__(interface=Interfaces.RSGI, loop=_FASTEST, workers=workers, blocking_threads=1, **_options(data))
        self._desk = MPServer(
            interface=Interfaces.WSGI, loop=Loops.asyncio, runtime_mode=RuntimeModes.mt, blocking_threads=_ADMIN_THREADS,
            **_options(admin),
        )  # fmt: skip
        self._loads, self._begin = (data.load, admin.load), begin

    def run(self) -> None:
        """Until SIGINT or SIGTERM; SystemExit where a worker ends again and again."""
        if multiprocessing.get_start_method() == "fork":
            _after_forks(self.workers + 1, self._begin)
        else:
            self.on_startup(self._begin)
        self.serve(target_loader=self._loads[0], wrap_loader=False)

    @property
    def admin_fails(self) -> bool:
        """Whether it was the admin port's worker that ended again and again."""
        return self.workers in self.interrupt_children

    def _init_shared_socket(self) -> None:
        super()._init_shared_socket()  # type: ignore[no-untyped-call]  # Granian leaves it untyped
        self._desk._init_shared_socket()  # type: ignore[no-untyped-call]  # noqa: SLF001  # the same class

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # Granian leaves it untyped
        admin = self._spawn_worker(self.workers, spawn_target, target_loader)
        admin.start()
        self.wrks.append(admin)

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]  # as Granian's own does
        if idx < self.workers:
            return super()._spawn_worker(idx, target, callback_loader)
        made = self._desk._spawn_worker(0, self._desk._spawn_wsgi_worker, self._loads[1])  # noqa: SLF001  # the same class
        made.idx, made.parent = idx, self
        return made


def _options(door: Door) -> dict[str, Any]:
    return {
        "target": "mockspi",
        "address": address_of(door.host),
        "port": door.port,
        "backpressure": AT_ONCE,
        "http": HTTPModes.http1,
        "websockets": False,
        "log_enabled": False,
        "respawn_failed_workers": True,
        "workers_kill_timeout": DRAIN_SECONDS,
    }


def _after_forks(many: int, begin: Callable[[], None]) -> None:
    forks = itertools.count(1)

    def forked() -> None:
        if next(forks) == many:
            begin()

    os.register_at_fork(after_in_parent=forked)
