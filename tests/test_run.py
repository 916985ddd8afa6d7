"""``mockspi run``: a server for one command, its exit code, and what is left behind: nothing."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import clean_environment, mockspi, until

CALL = """
import json, os, sys, urllib.request
base, key = os.environ["MOCKSPI_BASE_URL"], os.environ["MOCKSPI_API_KEY"]
with urllib.request.urlopen(f"{base}/sa/customers/{sys.argv[1]}?api_key={key}") as reply:
    found = json.load(reply)
request = urllib.request.Request(os.environ["MOCKSPI_ADMIN_URL"] + "/sandboxes",
                                 headers={"Authorization": "Bearer " + os.environ["MOCKSPI_ADMIN_TOKEN"]})
with urllib.request.urlopen(request) as reply:
    names = [one["name"] for one in json.load(reply)["sandboxes"]]
json.dump([found, names, {name: value for name, value in os.environ.items() if "MOCKSPI" in name}], open("told", "w"))
sys.exit(int(sys.argv[2]))
"""


def ran(folder: Path, *words: str, customer: str = "C-1001", code: int = 0, env: dict[str, str] | None = None) -> Any:
    """How ``mockspi run`` ended with a command that calls, and what the command saw."""
    (folder / "call.py").write_text(CALL)
    done = mockspi("run", *words, "--", sys.executable, "call.py", customer, str(code), cwd=folder, env=env)
    return done, json.loads((folder / "told").read_text())


def test_a_command_that_ends_well_finds_the_server_and_nothing_is_printed(tmp_path: Path) -> None:
    done, (found, names, environ) = ran(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (found["profile"]["customerId"], names) == ("C-1001", ["staging"])
    assert set(environ) == {"MOCKSPI_BASE_URL", "MOCKSPI_API_KEY", "MOCKSPI_ADMIN_URL", "MOCKSPI_ADMIN_TOKEN"}
    assert environ["MOCKSPI_BASE_URL"].startswith("http://127.0.0.1:")


def test_a_command_that_fails_has_its_code_and_the_journal(tmp_path: Path) -> None:
    done, (found, _, environ) = ran(tmp_path, customer="C-0", code=7)
    assert (done.returncode, found["errorCode"]) == (7, "CUSTOMER_NOT_FOUND")
    heading, columns, call, curl = done.stderr.strip().splitlines()
    assert heading == "mockspi journal of staging"
    assert columns.split() == ["#", "status", "contract", "call", "ms"]
    assert call.split()[:5] == ["1", "200", "GET_CUSTOMER", "GET", "/spi/1.0/sa/customers/C-0"]
    assert call.endswith("CUSTOMER_NOT_FOUND")
    assert curl == f'curl -sS "{environ["MOCKSPI_BASE_URL"]}/sa/customers/C-0?api_key=$MOCKSPI_API_KEY"'


def test_a_command_that_fails_can_be_made_again_from_the_bundle_of_its_first_key(tmp_path: Path) -> None:
    words = ("--api-key", "first=key-of-the-first", "--api-key", "second=key-of-the-second", "--scenario", "happy-path")
    file = tmp_path / "kept" / "run.bundle.gz"
    done, _ = ran(tmp_path, *words, "--bundle", str(file), code=7)
    assert done.returncode == 7
    assert f"mockspi: 1 call in {file}; 'mockspi replay {file}' makes them again" in done.stderr
    assert mockspi("replay", str(file)).stdout == "1 call answered the same\n"
    done, _ = ran(tmp_path, "--bundle", "well.bundle.gz")
    assert (done.returncode, done.stderr, list(tmp_path.glob("*.gz*"))) == (0, "", [])
    done, _ = ran(tmp_path, "--bundle", "call.py/run.bundle.gz", code=7)
    assert done.returncode == 7
    assert done.stderr.endswith("mockspi: call.py/run.bundle.gz cannot be written: Not a directory\n")


def test_a_command_that_calls_nothing_and_fails_is_told_so(tmp_path: Path) -> None:
    done = mockspi("run", "--", sys.executable, "-c", "raise SystemExit(3)", cwd=tmp_path)
    assert (done.returncode, done.stderr.strip()) == (3, "mockspi: no call has come")


def test_settings_and_scenarios_are_those_of_serve(tmp_path: Path) -> None:
    done, (_, names, environ) = ran(tmp_path, "--api-key", "mine=my-own-key", "--base-path", "/own", "--scenario", "happy-path")
    assert done.returncode == 0, done.stderr
    assert (names, environ["MOCKSPI_API_KEY"]) == (["mine"], "my-own-key")
    assert environ["MOCKSPI_BASE_URL"].endswith("/own/1.0")
    done, _ = ran(tmp_path, "--scenario", "flaky-first-call", env={"MOCKSPI_API_KEY": "mine=my-own-key"}, code=0)
    assert done.returncode == 1, "the first call of the scenario fails, and urllib with it"
    assert "first call  SERVICE_UNAVAILABLE" in done.stderr


def test_inside_another_run_a_run_has_a_server_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(CALL)
    inner = [sys.executable, "-m", "mockspi", "run", "--", sys.executable, "call.py", "C-1001", "0"]
    outer = mockspi("run", "--", sys.executable, "-c", f"""
import json, os, subprocess, sys
json.dump(dict(os.environ), open("outer", "w"))
sys.exit(subprocess.call({inner!r}))
""", cwd=tmp_path)  # fmt: skip
    assert outer.returncode == 0, outer.stderr
    told, environ = json.loads((tmp_path / "told").read_text())[2], json.loads((tmp_path / "outer").read_text())
    for name in ("MOCKSPI_BASE_URL", "MOCKSPI_ADMIN_URL", "MOCKSPI_ADMIN_TOKEN"):
        assert told[name] != environ[name]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["no-such-command"], 127, "there is no command 'no-such-command'"),
        (["./plain.txt"], 126, "'./plain.txt' cannot be run: Permission denied"),
        (["--fixtures", "nowhere", "--", "true"], 2, "the fixture folder nowhere does not exist"),
        (["--scenario", "nosuch", "--", "true"], 2, "No scenario is called 'nosuch'"),
        (["--workers", "0", "--", "true"], 2, "--workers is '0': a whole number from 1 to 64 is expected"),
        ([], 2, "Missing argument 'COMMAND...'"),
    ],
)
def test_what_cannot_be_run_is_a_sentence_and_a_code(words: list[str], code: int, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()
    done = mockspi("run", *words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: str(one.name))
def test_a_command_that_a_signal_ended_is_128_and_its_number(number: signal.Signals, tmp_path: Path) -> None:
    done = mockspi("run", "--", sys.executable, "-c", f"import os; os.kill(os.getpid(), {int(number)})", cwd=tmp_path)
    assert done.returncode == 128 + number


SLEEP = """
import os, pathlib, signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
signal.signal(signal.SIGTERM, lambda number, _: seen.append(number))
pathlib.Path("pid.part").write_text(str(os.getpid()))
os.rename("pid.part", "pid")
while not seen:
    time.sleep(0.05)
time.sleep(0.5)
pathlib.Path("signals").write_text(str([int(number) for number in seen]))
sys.exit(5)
"""


@contextmanager
def sleeping(folder: Path, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """``mockspi run`` with a command that waits for a signal, once it does; both are gone afterwards."""
    command = [sys.executable, "-m", "mockspi", "run", "--", sys.executable, "-c", SLEEP]
    env = clean_environment({"TMPDIR": str(folder)})
    ends = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options}
    process = subprocess.Popen(command, cwd=folder, env=env, text=True, **ends)
    try:
        until(lambda: (folder / "pid").exists() or process.poll() is not None)
        yield process
    finally:
        process.kill()
        process.wait(60)
        with suppress(OSError):
            os.kill(int((folder / "pid").read_text()), signal.SIGKILL)


def servers(folder: Path) -> list[int]:
    """The processes of the server that keeps its ready file in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes() and b"serve" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="asks /proc which processes there are")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: str(one.name))
def test_a_signal_is_passed_on_and_the_command_decides(number: signal.Signals, tmp_path: Path) -> None:
    with sleeping(tmp_path) as process:
        assert servers(tmp_path)
        process.send_signal(number)
        assert process.wait(60) == 5
    assert (tmp_path / "signals").read_text() == f"[{int(number)}]"
    assert servers(tmp_path) == []
    assert list(tmp_path.glob("mockspi-*")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="makes a terminal as Linux does")
def test_ctrl_c_in_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    ours, theirs = os.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with sleeping(tmp_path, stdin=theirs, start_new_session=True, preexec_fn=take_terminal) as process:
        os.write(ours, b"\x03")
        assert process.wait(60) == 5
    assert (tmp_path / "signals").read_text() == f"[{int(signal.SIGINT)}]"
    assert servers(tmp_path) == []
    os.close(ours)
    os.close(theirs)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="asks /proc which processes there are")
def test_when_it_is_killed_its_server_ends(tmp_path: Path) -> None:
    with sleeping(tmp_path) as process:
        assert servers(tmp_path)
        process.kill()
        until(lambda: not servers(tmp_path))
