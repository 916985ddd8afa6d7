"""A server with its admin port, and sandboxes whose journals are asked and packed."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Server, mockspi, serving

Mend = Callable[[list[Any]], object]
_names = itertools.count()


@dataclass
class Box:
    """One sandbox, called as the POS calls it, asked as a test asks."""

    server: Server
    key: str

    @property
    def ready_file(self) -> str:
        """What the server wrote when it was ready."""
        return str(self.server.log.parent / "ready.json")

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call as the POS makes it, on a connection of its own."""
        return self.server.call(method, path, key=self.key, **options)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call of the admin port."""
        told = json.loads((self.server.log.parent / "ready.json").read_text())
        token = {"Authorization": f"Bearer {told['adminToken']}"}
        return requests.request(method, told["adminUrl"] + path, headers=token, timeout=70, **options)

    def journal(self, **query: Any) -> Any:
        """Its journal."""
        return self.ask("GET", f"/sandboxes/{self.key}/journal", params=query).json()

    def entries(self, **query: Any) -> Any:
        """The entries of its journal."""
        return self.journal(**query)["entries"]

    def verify(self, **question: Any) -> Any:
        """The answer to a question."""
        return self.ask("POST", f"/sandboxes/{self.key}/verify", json=question).json()

    def wait(self, timeout: int, **question: Any) -> Any:
        """The answer, once it is yes or time is over."""
        return self.ask("POST", f"/sandboxes/{self.key}/await", json={"timeout": timeout, **question}).json()

    def cli(self, *words: str) -> Any:
        """``mockspi journal`` for this sandbox."""
        return mockspi("journal", *words, "--ready-file", self.ready_file, "--sandbox", self.key)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with two workers."""
    with serving(tmp_path_factory.mktemp("two"), "--workers", "2") as server:
        yield server


@pytest.fixture
def box(two_workers: Server) -> Box:
    """A sandbox of it that nobody else uses."""
    return new_box(two_workers)


def new_box(server: Server) -> Box:
    """A sandbox that nobody else uses."""
    name = f"journal{next(_names)}"
    box = Box(server, f"key-of-{name}")
    made = box.ask("POST", "/sandboxes", json={"name": name, "api_key": box.key})
    assert made.status_code == 201, made.text
    return box


def packed(box: Box, folder: Path, *words: str) -> Path:
    file = folder / "run.bundle.gz"
    done = box.cli("bundle", str(file), *words)
    assert (done.returncode, "calls in" in done.stdout or "call in" in done.stdout) == (0, True), done.stderr
    return file


def lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def mended(file: Path, mend: Mend) -> Path:
    """The same bundle with something else in it."""
    told = lines(file)
    mend(told)
    file.write_bytes(gzip.compress("".join(json.dumps(one) + "\n" for one in told).encode()))
    return file
