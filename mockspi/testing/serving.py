"""A server of a test run's own: ``mockspi serve`` in a process of its own, on free ports; or one that runs already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockspi.adminclient import AdminClient, connect
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.testing.box import Box, using

_PATIENCE = 120.0
_STOP_SECONDS = 20.0
_PAUSE = 0.02
#: What ``mockspi run`` hands to its command: they speak of its server, and are no settings of another.
HANDED = ("MOCKSPI_BASE_URL", "MOCKSPI_API_KEY", "MOCKSPI_ADMIN_URL", "MOCKSPI_ADMIN_TOKEN", "MOCKSPI_READY_FILE")


@dataclass(frozen=True)
class Server:
    """A running mockspi. ``api_key`` is its first sandbox's, empty where that is not known; tests take one of their own."""

    base_url: str
    api_key: str
    admin: AdminClient
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def sandbox(self, **wanted: Any) -> AbstractContextManager[Box]:
        """A new sandbox until the end of the block: ``seed``, ``scenario``, ``clock``, ``locale``, ``from``, ``ttl`` ..."""
        return using(self.open(**wanted))

    def open(self, **wanted: Any) -> Box:
        """A new sandbox that stays until it is deleted."""
        return Box(self.admin, self.admin.call("POST", "/sandboxes", wanted), self.base_url)


@contextmanager
def serve(**settings: Any) -> Iterator[Server]:
    """A server until the end of the block; settings as ``mockspi serve`` has them: ``serve(fixtures="ours", workers=2)``."""
    with tempfile.TemporaryDirectory(prefix="mockspi-test-") as folder:
        server = start(Path(folder), options(settings))
        try:
            yield server
        finally:
            stop(server)


def connected(admin_url: str, admin_token: str, base_url: str = "") -> Server:
    """A server that runs already; UsageError where none answers there."""
    admin = connect(admin_url, admin_token)
    admin.call("GET", "/sandboxes")
    return Server(base_url, "", admin)


def options(settings: Mapping[str, Any]) -> list[str]:
    """Settings as the words of a command line; whoever gives one twice gets the last."""
    words = []
    for name, value in settings.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            words += [f"--{name.replace('_', '-')}", str(one).lower() if isinstance(one, bool) else str(one)]
    return words


def start(folder: Path, words: Sequence[str], follow: int = 0) -> Server:
    """Start a server with its ready file and log in a folder; it ends with the process ``follow``, this one unless named."""
    ready, log = folder / "ready.json", folder / "server.log"
    command = [sys.executable, "-m", "mockspi", "serve", "--port", "0", "--admin-port", "0", "--state", "memory", *words]
    command += ["--ready-file", str(ready), "--follow", str(follow or os.getpid())]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=environment(os.environ),
            start_new_session=True,
        )  # fmt: skip
    try:
        told = awaited(ready, lambda: process.poll() is None, log)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Server(told["baseUrl"], told["apiKey"], AdminClient(told["adminUrl"], told["adminToken"]), log, process)


def stop(server: Server) -> None:
    """End a server that was started here."""
    if server.process is None:
        return
    server.process.terminate()
    try:
        server.process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


@contextmanager
def shared(folder: Path, words: Sequence[str], follow: int) -> Iterator[Server]:
    """The one server of several processes: who asks first starts it, and it ends with the process that it follows."""
    failed, log = folder / "failed", folder / "server.log"
    try:
        folder.mkdir()
    except FileExistsError:
        told = awaited(folder / "ready.json", lambda: not failed.exists(), log)
        yield Server(told["baseUrl"], told["apiKey"], AdminClient(told["adminUrl"], told["adminToken"]), log)
        return
    try:
        server = start(folder, words, follow)
    except UsageError:
        failed.touch()
        raise
    yield server
    if server.process:
        server.process.returncode = 0  # it outlives this process, which need not be warned


def awaited(ready: Path, alive: Callable[[], bool], log: Path) -> Json:
    """What a ready file says once it is there; UsageError with the log where the server ended first."""
    deadline = time.monotonic() + _PATIENCE
    while alive() and time.monotonic() < deadline:
        with suppress(FileNotFoundError):
            told: Json = json.loads(ready.read_text("utf-8"))
            return told
        time.sleep(_PAUSE)
    said = log.read_text("utf-8", "replace").strip() if log.exists() else ""
    raise UsageError(f"the server did not start: {said.removeprefix('mockspi: ') or 'it said nothing'}")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for another mockspi than the one that ``mockspi run`` told of."""
    inside = "MOCKSPI_BASE_URL" in environ
    return {name: value for name, value in environ.items() if not (inside and name in HANDED)}
