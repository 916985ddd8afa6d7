"""The wheel: built, installed into an empty environment with what it depends on, and used away from the source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, Server, await_ready, clean_environment

from mockspi import __version__


@dataclass(frozen=True)
class Installed:
    """An environment that has only the wheel, and a folder far from the source to run it in."""

    bin: Path
    folder: Path
    wheel: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of this environment."""
        program = str(self.bin / words[0])
        return subprocess.run(
            [program, *words[1:]], cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )

    def environment(self) -> dict[str, str]:
        """Nothing of the source, nothing of the user's."""
        kept = {name: value for name, value in clean_environment().items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "state"), "XDG_CACHE_HOME": str(self.folder / "cache")}


def check(*command: str, cwd: Path | None = None) -> str:
    """A step that must succeed; what it printed."""
    done = subprocess.run(command, cwd=cwd, env=clean_environment(), capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel of this checkout in an environment of its own, made by the first worker that needs it."""
    mine = tmp_path_factory.getbasetemp()
    top = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "wheel"
    try:
        top.mkdir()
    except FileExistsError:
        while not (top / "made").exists():
            assert not (top / "failed").exists(), "another worker could not make it; its own report says why"
            time.sleep(0.1)
    else:
        try:
            make(top)
        except BaseException:
            (top / "failed").touch()
            raise
        (top / "made").touch()
    (wheel,) = (top / "dist").glob("*.whl")
    return Installed(programs(top), tmp_path_factory.mktemp("elsewhere"), wheel)


def make(top: Path) -> None:
    """Build the wheel from a copy (a build leaves traces beside its source) and install it from the index's packages."""
    names = check("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", cwd=ROOT).split("\0")
    for name in (name for name in names if (ROOT / name).is_file()):
        (top / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "source" / name).write_bytes((ROOT / name).read_bytes())
    check(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(top / "dist"), str(top / "source"))
    venv.create(top / "venv")
    (wheel,) = (top / "dist").glob("*.whl")
    check(*pip(programs(top)), "install", "--quiet", "--no-compile", str(wheel), cwd=top)


def pip(programs: Path) -> list[str]:
    """pip for an environment that has none of its own, which would take as long to make as all the rest."""
    return [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(programs / "python")]


def programs(top: Path) -> Path:
    """Where the environment keeps its commands."""
    return top / "venv" / ("Scripts" if os.name == "nt" else "bin")


@contextmanager
def served(installed: Installed, *words: str) -> Iterator[Server]:
    """The installed server."""
    ready, log = installed.folder / "ready.json", installed.folder / "log"
    command = [str(installed.bin / "mockspi"), "serve", "--port", "0", "--state", "memory", "--ready-file", str(ready), *words]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=installed.folder, env=installed.environment(), stdout=out, stderr=subprocess.STDOUT, text=True
        )
    try:
        told = await_ready(process, ready, log)
        yield Server(process, told["baseUrl"], told["apiKey"], log)
    finally:
        process.terminate()
        process.wait(30)


def test_the_wheel_holds_what_is_needed_and_nothing_else(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    for wanted in ("mockspi/py.typed", "mockspi/cli/serve.py", "mockspi/_fixtures/records/customers.json"):
        assert wanted in names
    assert any(name.endswith("/LICENSE") and ".dist-info/" in name for name in names)
    source = {path.relative_to(ROOT / "fixtures").as_posix() for path in (ROOT / "fixtures").glob("*/**/*.json")}
    shipped = {name.removeprefix("mockspi/_fixtures/") for name in names if name.startswith("mockspi/_fixtures/")}
    assert source <= shipped
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "mockspi").rglob("*.py")}
    assert modules <= set(names)
    assert {name.split("/")[0] for name in names} == {"mockspi", f"mockspi-{__version__}.dist-info"}
    assert not [name for name in names if "tests" in name or "__pycache__" in name]


def test_the_installed_command_knows_its_version_and_its_dependencies_agree(installed: Installed) -> None:
    assert installed.run("mockspi", "--version").stdout == f"mockspi, version {__version__}\n"
    check(*pip(installed.bin), "check", cwd=installed.folder)
    where = installed.run("python", "-c", "import mockspi; print(mockspi.__file__)").stdout
    assert Path(where.strip()).is_relative_to(installed.bin.parent)


def test_nothing_but_the_declared_dependencies_is_needed(installed: Installed) -> None:
    listed = check(*pip(installed.bin), "list", "--format", "json", cwd=installed.folder)
    names = {one["name"].lower() for one in json.loads(listed)}
    assert not names & {"pytest", "requests", "hypothesis", "ruff", "mypy"}
    assert {"flask", "granian", "marshmallow", "mockspi"} <= names


def test_a_command_runs_with_a_server_and_without_the_extra_and_pytest_would_find_the_plugin(installed: Installed) -> None:
    call = "import os, urllib.request as r; r.urlopen(os.environ['MOCKSPI_BASE_URL'] + '/openapi.json?api_key=mockspi-staging')"
    done = installed.run("mockspi", "run", "--", str(installed.bin / "python"), "-c", call)
    assert (done.returncode, done.stderr) == (0, "")
    names = zipfile.ZipFile(installed.wheel)
    entries = next(name for name in names.namelist() if name.endswith("entry_points.txt"))
    assert "[pytest11]\nmockspi = mockspi.testing.plugin" in names.read(entries).decode()


def test_the_installed_sample_set_has_nothing_to_report(installed: Installed) -> None:
    done = installed.run("mockspi", "fixtures", "lint")
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing to report" in done.stdout


def test_the_installed_server_answers(installed: Installed) -> None:
    with served(installed) as server:
        answer = server.call("GET", "/sa/customers/C-1001")
        assert answer.json()["profile"]["customerId"] == "C-1001"
        assert server.call("GET", "/openapi.json").json()["openapi"].startswith("3.1")


def test_the_installed_command_makes_a_set_and_serves_it(installed: Installed) -> None:
    assert installed.run("mockspi", "init", "mine").returncode == 0
    assert not list((installed.folder / "mine").rglob("*.py"))
    assert installed.run("mockspi", "fixtures", "lint", "mine").returncode == 0
    with served(installed, "--fixtures", "mine") as server:
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200


def test_the_installed_commands_print_contracts_and_openapi(installed: Installed) -> None:
    assert len(json.loads(installed.run("mockspi", "contracts", "--json").stdout)) >= 27
    assert installed.run("mockspi", "openapi", "--yaml").stdout.count("\nopenapi: 3.1") == 1
