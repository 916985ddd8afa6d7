"""Granian: the workers started, the moment of readiness, and the way out."""

from __future__ import annotations

import errno
import gc
import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from importlib.util import find_spec
from multiprocessing.connection import Connection, wait
from typing import Any

from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server
from granian.server.common import AbstractServer

from mockspi import metrics
from mockspi.building import House
from mockspi.errors import UsageError
from mockspi.journal import PROBE
from mockspi.server.ports import Ports, address_of, reachable, take_admin_port, take_port
from mockspi.server.turns import Turns

_PATIENCE = 60.0
_DRAIN_SECONDS = 10
_FOLLOW_SECONDS = 0.25
_ADMIN_THREADS = 128  # more than admin.verify.MOST_WAITING: who waits must not keep others from asking
_FASTEST = Loops.uvloop if find_spec("uvloop") else Loops.asyncio  # there is none for Windows
_RARELY = (20_000, 20, 20)  # a call leaves hardly any circles behind: looking for them at each cost a twentieth
_LONGEST_LINE = 1000
_AT_ONCE = 8192  # calls that one worker may have under way; sleeping ones cost little


def serve(house: House, ready: Callable[[Ports], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let calls that are under way end; ``ready`` once requests are answered."""
    settings = house.settings
    held, port = take_port(settings.host, settings.port)
    admin_held, admin_port = take_admin_port(house)
    ports = Ports(port, admin_port)
    metrics.tidy(house.counts.parent)
    turns = Turns()
    gc.freeze()  # what is here stays, and no process that is forked takes a copy of it only to look
    desk = multiprocessing.Process(target=serve_admin, args=(house, ports, os.getpid(), turns), name="mockspi-admin")
    sender = multiprocessing.Process(target=serve_sender, args=(house, os.getpid(), turns), name="mockspi-webhooks")
    desk.start()
    sender.start()
    server = _server(settings.host, port, Interfaces.RSGI, _FASTEST, workers=settings.workers)
    lost = threading.Event()
    miss = partial(_miss, [desk, sender], server, lost)
    duties = [partial(_announce, house, ports, ready, turns), miss]
    duties += [partial(_follow, settings.follow)] if settings.follow else []
    _after_workers(server, settings.workers, partial(_watch, *duties))
    try:
        server.serve(target_loader=partial(load, house, os.getpid()), wrap_loader=False)
        if lost.is_set():
            what, ended = ("the admin port", desk) if desk.exitcode else ("webhooks", sender)
            raise UsageError(f"the process of {what} ended ({ended.exitcode}), so the server does too; start it again")
    finally:
        for process in (desk, sender):
            process.terminate()
        for process in (desk, sender):
            process.join(_DRAIN_SECONDS)
        for one in (held, admin_held):
            if one:
                one.close()
        for folder in (house.counts, house.served):
            shutil.rmtree(folder, ignore_errors=True)
        if house.ephemeral:
            shutil.rmtree(house.overlay.parent, ignore_errors=True)


def keep_fixtures(house: House, parent: int, wire: Connection, turns: Turns) -> None:
    """The fixture sets read again when they change, in a process of its own."""
    from mockspi.server import logs

    logs.set_up(house.settings)
    _prepare_worker(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells us to stop
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # what is half made is taken away
    turns.ready.wait()
    from mockspi.server import watching

    watching.keep(house, wire)


def serve_sender(house: House, parent: int, turns: Turns) -> None:
    """Webhooks sent when they are due, in a process of its own: a target that hangs slows nobody else."""
    from mockspi.server import logs

    logs.set_up(house.settings)
    _prepare_worker(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent tells us to stop
    turns.ready.wait()
    from mockspi.server import sending

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    sending.keep(house, stop)


def serve_admin(house: House, ports: Ports, parent: int, turns: Turns) -> None:
    """The admin port, in a process of its own: it answers when every data worker sleeps."""
    wire, other = multiprocessing.Pipe()
    keeper = multiprocessing.Process(target=keep_fixtures, args=(house, os.getpid(), other, turns), name="mockspi-fixtures")
    keeper.start()
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    turns.await_answering()
    server = _server(house.settings.admin_host, ports.admin, Interfaces.WSGI, Loops.asyncio, threads=_ADMIN_THREADS)
    try:
        server.serve(target_loader=partial(load_admin, house, ports, os.getpid(), wire), wrap_loader=False)
    finally:
        keeper.terminate()
        keeper.join(_DRAIN_SECONDS)


def _server(host: str, port: int, interface: Interfaces, loop: Loops, workers: int = 1, threads: int = 1) -> AbstractServer[Any]:
    server: AbstractServer[Any] = Server(
        "mockspi",
        address=address_of(host),
        port=port,
        interface=interface,
        loop=loop,
        workers=workers,
        blocking_threads=threads,
        backpressure=_AT_ONCE,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_DRAIN_SECONDS,
    )
    return server


def base_url(house: House, ports: Ports) -> str:
    """The address of the SPIs, as this machine reaches them."""
    settings = house.settings
    return f"http://{reachable(settings.host)}:{ports.data}{settings.base_path}/{settings.api_version[0]}"


def admin_url(house: House, ports: Ports) -> str:
    """The address of the admin port, as this machine reaches it."""
    return f"http://{reachable(house.settings.admin_host)}:{ports.admin}"


def load_admin(house: House, ports: Ports, parent: int, wire: Connection) -> Any:
    """The admin application, made in its worker."""
    from mockspi.admin import AdminService
    from mockspi.server import admin, logs, watching

    logs.set_up(house.settings)
    _prepare_worker(parent)
    stopping = threading.Event()
    _on_signal(stopping.set)
    desk = replace(house.desk(base_url(house, ports), watching.Asking(wire)), stopping=stopping.is_set)
    threading.Thread(target=admin.keep_house, args=(desk,), daemon=True).start()
    return admin.create_admin(AdminService(desk, house.admin_token))


def _on_signal(act: Callable[[], None]) -> None:
    """Hear of the first signal beside Granian, which sets handlers of its own."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell)

    def wait() -> None:
        os.read(told, 1)
        act()

    threading.Thread(target=wait, daemon=True).start()


def load(house: House, parent: int) -> Any:
    """The application, made in each worker, which ends when its parent is gone."""
    from mockspi.contracts import IDS
    from mockspi.metrics import Counts
    from mockspi.server import logs, rsgi  # imported by the worker, not to start the parent late
    from mockspi.server.again import new_again

    _prepare_worker(parent)
    _allow_files(2 * _AT_ONCE)
    counts = Counts(house.counts, IDS)
    line = logs.set_up(house.settings)
    again = new_again(house, counts) if house.settings.fast_door and line is None else None
    service = house.service(line, counts.write, journal=again.journal if again else None)
    gc.freeze()
    gc.set_threshold(*_RARELY)
    return rsgi.Door(service, house.settings.threads, again)


def _prepare_worker(parent: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # the parent's handlers, which the fork copied, would swallow them
        signal.signal(number, signal.SIG_DFL)
    for name in [name for name in os.environ if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")]:
        del os.environ[name]  # Granian puts the environment into every request, where HTTP_PROXY would be a header
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _allow_files(wanted: int) -> None:
    """Room for the connections of calls that sleep, as far as the system lets this process ask for it."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _watch(*duties: Callable[[], None]) -> None:
    for one in duties:
        threading.Thread(target=one, daemon=True).start()


def _miss(needed: Sequence[multiprocessing.Process], server: AbstractServer[Any], lost: threading.Event) -> None:
    """Stop when a process ends before it is told to: nobody would sweep, reload, answer or send for it."""
    ended = wait([one.sentinel for one in needed])
    for one in needed:
        if one.sentinel in ended:
            one.join(_DRAIN_SECONDS)  # its files are closed a moment before the system says how it ended
    if any(one.exitcode for one in needed) and not server.interrupt_signal:
        lost.set()
        os.kill(os.getpid(), signal.SIGTERM)


def _follow(leader: int) -> None:
    """Stop when the parent, or another process, is gone: nobody else would, and the port would stay taken."""
    there = _is_parent if _is_parent(leader) else is_alive
    while there(leader):
        time.sleep(_FOLLOW_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_parent(process: int) -> bool:
    """Sees the end of a parent even where nobody has asked yet how it ended."""
    return os.getppid() == process


def is_alive(process: int) -> bool:
    """Whether there is such a process, as far as one may ask."""
    if os.name != "posix":
        return True  # signal 0 would end it there
    try:
        os.kill(process, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True


def _after_workers(server: AbstractServer[Any], workers: int, begin: Callable[[], None]) -> None:
    """Call ``begin`` once the last worker is forked: a thread that runs earlier could hold a lock that the fork copies."""
    if multiprocessing.get_start_method() != "fork":
        server.on_startup(begin)
        return
    forks = itertools.count(1)

    def forked() -> None:
        if next(forks) == workers:
            begin()

    os.register_at_fork(after_in_parent=forked)


def _announce(house: House, ports: Ports, ready: Callable[[Ports], None], turns: Turns) -> None:
    settings, deadline = house.settings, time.monotonic() + _PATIENCE
    asked = [(settings.host, ports.data, HTTPStatus.UNAUTHORIZED), (settings.admin_host, ports.admin, HTTPStatus.OK)]
    while asked and time.monotonic() < deadline:
        host, port, expected = asked[0]
        with suppress(OSError):
            if _status(reachable(host).strip("[]"), port) == expected:
                asked.pop(0)
                turns.answering.reach()
                continue
        time.sleep(0.005)
    if not asked:
        turns.ready.reach()
        ready(ports)


def _status(host: str, port: int) -> int:
    """What a probe is answered; 0 for nothing. By hand, for a library costs more than all else that the launcher does."""
    name = f"[{host}]" if ":" in host else host
    with socket.create_connection((host, port), timeout=1) as wire, wire.makefile("rb") as answer:
        wire.sendall(f"GET /health/live HTTP/1.1\r\nHost: {name}:{port}\r\nUser-Agent: {PROBE}\r\n\r\n".encode())
        words = answer.readline(_LONGEST_LINE).split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
