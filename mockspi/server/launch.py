"""The processes of a server: how they start, the moment of readiness, and the way out."""

from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from multiprocessing.connection import Connection, wait
from typing import Any

from mockspi import metrics
from mockspi.building import House, outbox_file
from mockspi.errors import UsageError
from mockspi.journal import PROBE
from mockspi.server import watching
from mockspi.server.ports import Ports, reachable, take_admin_port, take_port
from mockspi.server.turns import Stop, Turns
from mockspi.server.workers import AT_ONCE, DRAIN_SECONDS, Door, Workers
from mockspi.store import outbox_tables
from mockspi.store.stamps import stamps_beside

_PATIENCE = 60.0
_FOLLOW_SECONDS, _LOOK_SECONDS = 0.25, 0.05
_RARELY = (20_000, 20, 20)  # a call leaves hardly any circles behind: looking for them at each cost a twentieth
_LONGEST_LINE = 1000


def serve(house: House, ready: Callable[[Ports], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let calls that are under way end; ``ready`` once requests are answered."""
    settings, launcher = house.settings, os.getpid()
    held, port = take_port(settings.host, settings.port)
    admin_held, admin_port = take_admin_port(house)
    ports = Ports(port, admin_port)
    metrics.tidy(house.counts.parent)
    turns, lost = Turns(), threading.Event()
    wire, other = multiprocessing.Pipe()
    keeper = multiprocessing.Process(target=keep_fixtures, args=(house, launcher, other, turns), name="mockspi-fixtures")
    sender = multiprocessing.Process(target=serve_sender, args=(house, launcher, turns), name="mockspi-webhooks")
    data = Door(settings.host, port, partial(load, house, launcher))
    desk = Door(settings.admin_host, admin_port, partial(load_admin, house, ports, launcher, wire, turns))
    duties = [partial(_announce, house, ports, ready, turns)]
    duties += [partial(_follow, settings.follow)] if settings.follow else []
    server = Workers(data, desk, settings.workers, lambda: _watch(*duties, partial(_miss, sender, server, lost)))
    gc.freeze()  # what is here stays, and no process that is forked takes a copy of it only to look
    keeper.start()
    sender.start()
    try:
        server.run()
        if lost.is_set():
            raise _ended("webhooks", sender.exitcode)
    except SystemExit as end:
        if server.admin_fails:
            raise _ended("the admin port", end.code) from end
        raise
    finally:
        for process in (sender, keeper):
            process.terminate()
        for process in (sender, keeper):
            process.join(DRAIN_SECONDS)
        for one in (held, admin_held):
            if one:
                one.close()
        for folder in (house.counts, house.served):
            shutil.rmtree(folder, ignore_errors=True)
        if house.ephemeral:
            shutil.rmtree(house.overlay.parent, ignore_errors=True)


def _ended(what: str, how: object) -> UsageError:
    return UsageError(f"the process of {what} ended ({how}), so the server does too; start it again")


def keep_fixtures(house: House, parent: int, wire: Connection, turns: Turns) -> None:
    """The fixture sets read again when they change, in a process of its own."""
    if not watching.watched(house):
        _doze(parent, lambda: wire.poll(_FOLLOW_SECONDS))
    _wake(house, parent, turns, sys.exit)  # what is half made is taken away
    watching.keep(house, wire)


def serve_sender(house: House, parent: int, turns: Turns) -> None:
    """Webhooks sent when they are due, in a process of its own: a target that hangs slows nobody else."""
    stamps, stop = stamps_beside(outbox_file(house.overlay)), Stop()

    def called() -> bool:
        time.sleep(_LOOK_SECONDS)
        return outbox_tables.is_used(stamps)

    _doze(parent, called)
    _wake(house, parent, turns, stop.set)
    from mockspi.server import sending

    sending.keep(house, stop)


def _doze(parent: int, called: Callable[[], bool]) -> None:
    """Return when there is something to do; ends with the parent. Each thread, import or file here is memory at rest."""
    _hear(sys.exit)
    while not called():
        if not _is_parent(parent):
            sys.exit()


def _wake(house: House, parent: int, turns: Turns, stop: Callable[[], object]) -> None:
    from mockspi.server import logs

    logs.set_up(house.settings)
    _prepare_worker(parent)
    _hear(stop)
    turns.ready.wait()


def _hear(stop: Callable[[], object]) -> None:
    """It is the parent that tells us to stop, not Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop())


def base_url(house: House, ports: Ports) -> str:
    """The address of the SPIs, as this machine reaches them."""
    settings = house.settings
    return f"http://{reachable(settings.host)}:{ports.data}{settings.base_path}/{settings.api_version[0]}"


def admin_url(house: House, ports: Ports) -> str:
    """The address of the admin port, as this machine reaches it."""
    return f"http://{reachable(house.settings.admin_host)}:{ports.admin}"


def load_admin(house: House, ports: Ports, parent: int, wire: Connection, turns: Turns) -> Any:
    """The admin application, made in a process of its own: it answers when every data worker sleeps."""
    _prepare_worker(parent)
    turns.await_answering()
    from mockspi.admin import AdminService
    from mockspi.server import admin, logs

    logs.set_up(house.settings)
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
    _allow_files(2 * AT_ONCE)
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


def _miss(sender: multiprocessing.Process, server: Workers, lost: threading.Event) -> None:
    """Stop when the sender ends before it is told to: nobody would send for it."""
    wait([sender.sentinel])
    sender.join(DRAIN_SECONDS)  # its files are closed a moment before the system says how it ended
    if sender.exitcode and not server.interrupt_signal:
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
