"""One real server for the suite, on a free port; tests that change its settings start their own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
import requests
import warm

from mockspi.contracts.collections import COLLECTIONS
from mockspi.fixtures.reading import sample_set
from mockspi.rehearsing import compile_into
from mockspi.store.base import Records
from mockspi.store.sqlite import SqliteStore

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["examples"]  # a project of its own; test_examples.py runs it
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling mockspi anew would be a third of every start of it
PLUGINS = [word for name in ("schemathesis", "hypothesispytest", "anyio", "pytest_cov") for word in ("-p", f"no:{name}")]
NOON = 1_800_000_000_000
Process = subprocess.Popen[str] | warm.Begun
SANDBOXES = [f"box{number}" for number in range(1500)]


def mockspi(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = begun(words, cwd or ROOT, env, out, err)
        try:
            code = process.wait(120)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(("mockspi", *words), code, out.read(), err.read())


def begun(
    words: Sequence[str], cwd: Path, env: dict[str, str] | None, out: IO[str], err: IO[str], program: Sequence[str] = ()
) -> Process:
    """The command line in a process of its own, warm unless it must be a new interpreter, or another program."""
    own = clean_environment(env)
    if not program and warm.is_possible(own):
        return warm.Begun(words, cwd, own, out, err)
    command = [sys.executable, *(program or ("-m", "mockspi")), *words]
    return subprocess.Popen(command, cwd=cwd, env=own, stdout=out, stderr=err, text=True)


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSPI_")}
    return {**kept, **(extra or {})}


@dataclass
class Server:
    """A running ``mockspi serve``."""

    process: Process
    base: str
    key: str
    log: Path
    admin_url: str = ""
    token: str = ""
    root: str = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.base.split("/spi")[0]

    def url(self, path: str) -> str:
        """A path under the base, or from the root where it is one of the vendor's sample paths."""
        return (self.root if path.startswith("/merchant/") else self.base) + path

    def call(self, method: str, path: str, key: str | None = None, **options: Any) -> requests.Response:
        """One call with the key in its query."""
        query = {"api_key": key or self.key, **options.pop("params", {})}
        return requests.request(method, self.url(path), params=query, timeout=30, **options)

    def admin(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """One call of the admin port with its token."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(method, self.admin_url + path, json=body, headers=headers, timeout=30, **options)

    def minted(self, **wanted: Any) -> str:
        """The api_key of a new sandbox."""
        made = self.admin("POST", "/sandboxes", wanted)
        assert made.status_code == 201, made.text
        return str(made.json()["api_key"])


@contextmanager
def serving(folder: Path, *words: str, env: dict[str, str] | None = None, program: Sequence[str] = ()) -> Iterator[Server]:
    """A server with these options, in this scratch folder, until the block ends."""
    ready, log = folder / "ready.json", folder / "server.log"
    options = ["--port", "0", "--ready-file", str(ready), *words]
    if "--state" not in words:
        options += ["--state", "memory"]
    with log.open("w") as out:
        process = begun(["serve", *options], folder, env, out, out, program)
    try:
        told = await_ready(process, ready, log)
        yield Server(process, told["baseUrl"], told["apiKey"], log, told["adminUrl"], told["adminToken"])
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def await_ready(process: Process, ready: Path, log: Path) -> dict[str, Any]:
    """What the ready file says, once it is there."""
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    told: dict[str, Any] = json.loads(ready.read_text())
    return told


def until(true: Callable[[], Any]) -> None:
    """Wait for something that happens in another process."""
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shared server: many keys, so that every test that writes has a sandbox of its own."""
    folder = tmp_path_factory.mktemp("server")
    keys = [word for name in ["staging", *SANDBOXES] for word in ("--api-key", f"{name}=key-{name}")]
    with serving(folder, *keys) as one:
        yield one


_numbers = itertools.count()


@dataclass
class Sandbox:
    """One key of the shared server that no other test uses."""

    server: Server
    key: str

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call with this key."""
        return self.server.call(method, path, key=self.key, **options)


@pytest.fixture(scope="session")
def new_sandbox(server: Server) -> Callable[[], Sandbox]:
    """Makes sandboxes that hold what the fixture set holds."""
    return lambda: Sandbox(server, f"key-{SANDBOXES[next(_numbers)]}")


@pytest.fixture
def sandbox(new_sandbox: Callable[[], Sandbox]) -> Sandbox:
    """A sandbox of the test's own."""
    return new_sandbox()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    """The sample set as a server opens it, without a server: for properties of the pure logic."""
    folder: Path = tmp_path_factory.mktemp("store")
    compile_into(folder / "base.sqlite", sample_set())
    return SqliteStore(folder / "base.sqlite", folder / "records.sqlite", COLLECTIONS)


@pytest.fixture(scope="session")
def records(store: SqliteStore) -> Records:
    """The sample set's records, to which nobody has written."""
    return store.read("nobody")


@pytest.fixture
def shop(server: Server) -> Sandbox:
    """A sandbox whose clock stands still."""
    return Sandbox(server, server.minted(clock={"frozen": NOON}))
