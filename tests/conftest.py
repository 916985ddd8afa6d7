"""One real server for the suite, on a free port; tests that change its settings start their own."""

from __future__ import annotations

import io
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[1]
collect_ignore = ["examples"]  # a project of its own; test_examples.py runs it
SANDBOXES = [f"box{number}" for number in range(1500)]


#: With MOCKSPI_TESTS=inside the shared server and the command line run in the test process, so that ``make coverage``
#: sees them; otherwise they are processes of their own, as a user would have them.
INSIDE = os.environ.get("MOCKSPI_TESTS") == "inside"


def mockspi(*words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line to its end."""
    if INSIDE and words[:1] != ("serve",):
        return _inside(list(words), cwd or ROOT, clean_environment(env))
    return subprocess.run(
        [sys.executable, "-m", "mockspi", *words], cwd=cwd or ROOT, env=clean_environment(env), capture_output=True,
        text=True, timeout=120, check=False,
    )  # fmt: skip


def _inside(words: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    from mockspi.cli import main  # only where it is wanted

    out, err, code = io.StringIO(), io.StringIO(), 0
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(env)
        with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            main(words, prog_name="mockspi", standalone_mode=True)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os.environ.clear()
        os.environ.update(before)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSPI_")}
    return {**kept, **(extra or {})}


@dataclass
class Server:
    """A running ``mockspi serve``."""

    process: subprocess.Popen[str] | None
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
def serving(folder: Path, *words: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """A server with these options, in this scratch folder, until the block ends."""
    ready, log = folder / "ready.json", folder / "server.log"
    options = ["--port", "0", "--ready-file", str(ready), *words]
    if "--state" not in words:
        options += ["--state", "memory"]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mockspi", "serve", *options], cwd=folder, env=clean_environment(env), stdout=out,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    try:
        told = await_ready(process, ready, log)
        yield Server(process, told["baseUrl"], told["apiKey"], log, told["adminUrl"], told["adminToken"])
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def await_ready(process: subprocess.Popen[str], ready: Path, log: Path) -> dict[str, Any]:
    """What the ready file says, once it is there."""
    deadline = time.monotonic() + 60
    while not ready.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.01)
    told: dict[str, Any] = json.loads(ready.read_text())
    return told


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shared server: many keys, so that every test that writes has a sandbox of its own."""
    folder = tmp_path_factory.mktemp("server")
    keys = [word for name in ["staging", *SANDBOXES] for word in ("--api-key", f"{name}=key-{name}")]
    with (serving_inside if INSIDE else serving)(folder, *keys) as one:
        yield one


@contextmanager
def serving_inside(folder: Path, *words: str) -> Iterator[Server]:
    """The same application behind werkzeug's threads, in this process."""
    from werkzeug.serving import make_server  # only where it is wanted

    from mockspi import building, settings
    from mockspi.server import app, logs

    chosen = settings.load({"api_key": words[1::2], "state": "memory", "log_calls": "on"}, {})
    with (folder / "server.log").open("w") as log, redirect_stderr(log):
        notice = logs.set_up(chosen)
        served = make_server("127.0.0.1", 0, app.create_app(building.build(chosen).service(notice)), threaded=True)
        served.RequestHandlerClass.log_request = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            base = f"http://127.0.0.1:{served.port}/spi/1.0"
            yield Server(None, base, chosen.api_key[0][1], folder / "server.log")
        finally:
            served.shutdown()
            thread.join()
            served.server_close()


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
