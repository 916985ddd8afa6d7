"""Granian: the port taken, the workers started, the moment of readiness, and the way out."""

from __future__ import annotations

import errno
import http.client
import itertools
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
from functools import partial
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.server import Server
from granian.server.common import AbstractServer

from mockspi.building import House
from mockspi.errors import UsageError
from mockspi.server.logs import PROBE

_PATIENCE = 60.0
_DRAIN_SECONDS = 10
_FOLLOW_SECONDS = 0.25


def serve(house: House, ready: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM, then let calls that are under way end; ``ready(port)`` once requests are answered."""
    settings = house.settings
    held, port = take_port(settings.host, settings.port)
    server = Server(
        "mockspi",
        address=settings.host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=_DRAIN_SECONDS,
    )
    watch = threading.Thread(target=_announce, args=(settings.host, port, ready), daemon=True)
    _after_workers(server, settings.workers, watch.start)
    try:
        server.serve(target_loader=partial(load, house, os.getpid()), wrap_loader=False)
    finally:
        if held:
            held.close()
        if house.ephemeral:
            shutil.rmtree(house.overlay.parent, ignore_errors=True)


def load(house: House, parent: int) -> Any:
    """The application, made in each worker, which ends when its parent is gone."""
    from mockspi.server import app, logs  # imported by the worker, not to start the parent late

    for name in [name for name in os.environ if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")]:
        del os.environ[name]  # Granian puts the environment into every request, where HTTP_PROXY would be a header
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()
    return app.create_app(house.service(logs.set_up(house.settings))).wsgi_app


def _follow(parent: int) -> None:
    """Stop this worker when its parent was killed: nobody else would, and the port would stay taken."""
    while os.getppid() == parent:
        time.sleep(_FOLLOW_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


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


def take_port(host: str, port: int) -> tuple[socket.socket | None, int]:
    """Make sure that nobody else listens there; on Linux the port is held for the workers until they do.

    The workers share the port with SO_REUSEPORT, with which the kernel would let a second mockspi listen too:
    so it is first taken without.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            port = probe.getsockname()[1]
        if sys.platform != "linux":
            return None, port
        held = socket.socket(family)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((host, port))
    except socket.gaierror as error:
        raise UsageError(f"--host {host} is no address of this machine: {error.strerror}") from error
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise UsageError(f"port {port} on {host} {why}; choose another with --port, or 0 for a free one") from error
    return held, port


def reachable(host: str) -> str:
    """The address under which this machine reaches a server on ``host``, as it stands in a URL."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # read, not bound
    return f"[{host}]" if ":" in host else host


def _announce(host: str, port: int, ready: Callable[[int], None]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(reachable(host).strip("[]"), port, timeout=1)
            connection.request("GET", "/", headers={"User-Agent": PROBE})
            status = connection.getresponse().status
            connection.close()
            if status == http.client.UNAUTHORIZED:
                ready(port)
                return
        time.sleep(0.005)
