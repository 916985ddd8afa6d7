"""The pytest plugin, in pytest runs of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import PLUGINS, ROOT, clean_environment, mockspi, serving, until

LOOK = """
import requests

def look(box, customer="C-1001"):
    return requests.get(box.url("GET_CUSTOMER", customerId=customer), timeout=30)
"""


def begun(
    folder: Path, source: str, *words: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.Popen[str]:
    """pytest in a folder that holds one test file."""
    (folder / "test_it.py").write_text(LOOK + source, "utf-8")
    (folder / "pytest.ini").touch()
    command = [sys.executable, "-m", "pytest", *PLUGINS, "-p", "no:cacheprovider", f"--basetemp={folder / 'run'}", *words]
    kept = {name: value for name, value in clean_environment(env).items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(command, cwd=cwd or folder, env=kept, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def outcome(folder: Path, source: str, *words: str, **options: Any) -> tuple[dict[str, int], str]:
    """How many tests ended how, and the report."""
    told, _ = begun(folder, source, *words, **options).communicate(timeout=300)
    last = told.strip().splitlines()[-1]
    return {kind: int(many) for many, kind in re.findall(r"(\d+) (passed|failed|errors?|warnings?)", last)}, told


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_every_test_has_a_sandbox_of_its_own_on_one_server(tmp_path: Path) -> None:
    source = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_fresh(mockspi, mockspi_server, number):
    assert len(mockspi.journal) == 0
    mockspi.records("customers").delete("C-1001")
    assert look(mockspi).json()["errorCode"] == "CUSTOMER_NOT_FOUND"
    mockspi.verify("GET_CUSTOMER", exactly=1)
    names = [one["name"] for one in mockspi_server.admin.call("GET", "/sandboxes")["sandboxes"] if not one["fixed"]]
    assert names == [mockspi.name]
    assert mockspi.name.startswith(f"test-fresh-{number}-")
    with open("pids", "a") as file:
        print(mockspi_server.process.pid, file=file)
"""
    counts, told = outcome(tmp_path, source)
    assert counts == {"passed": 3}, told
    (pid,) = set((tmp_path / "pids").read_text().split())
    until(lambda: not is_alive(int(pid)))


def test_workers_of_xdist_share_one_server_which_ends_with_the_run(tmp_path: Path) -> None:
    source = """
import pytest

@pytest.mark.parametrize("number", range(12))
def test_shared(mockspi, number):
    mockspi.rule("GET_CUSTOMER", status=503, times={"first": 1}) if number % 2 else None
    assert look(mockspi).status_code == (503 if number % 2 else 200)
    mockspi.verify("GET_CUSTOMER", exactly=1)
"""
    process = begun(tmp_path, source, "-n", "3")
    ready = tmp_path / "run" / "mockspi" / "ready.json"
    until(lambda: ready.exists() or process.poll() is not None)
    pid = json.loads(ready.read_text())["pid"]
    told, _ = process.communicate(timeout=300)
    assert "12 passed" in told
    assert len(list((tmp_path / "run").rglob("server.log"))) == 1
    until(lambda: not is_alive(pid))


def test_when_the_run_is_killed_its_server_ends_too(tmp_path: Path) -> None:
    source = """
import time

def test_long(mockspi, mockspi_server):
    open("pid", "w").write(str(mockspi_server.process.pid))
    time.sleep(600)
"""
    process = begun(tmp_path, source)
    pid = tmp_path / "pid"
    until(lambda: (pid.exists() and pid.read_text()) or process.poll() is not None)
    assert is_alive(int(pid.read_text()))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    until(lambda: not is_alive(int(pid.read_text())))


def test_a_strict_sandbox_fails_its_test_with_the_list(tmp_path: Path) -> None:
    source = """
import pytest

def test_by_call(mockspi):
    mockspi.strict()
    requests.get(mockspi.base_url + "/sa/custmers/C-1001", params=mockspi.params, timeout=30)

@pytest.mark.mockspi(strict=True)
def test_by_mark(mockspi_app):
    mockspi_app.client.delete(mockspi_app.url("GET_CUSTOMER", customerId="C-1001"))

@pytest.mark.mockspi(strict=True)
def test_nothing_to_tell(mockspi):
    look(mockspi, "C-0")

def test_not_strict(mockspi):
    requests.get(mockspi.base_url + "/nothing", params=mockspi.params, timeout=30)
"""
    counts, told = outcome(tmp_path, source)
    assert counts == {"failed": 2, "passed": 2}, told
    assert (
        "strict: 1 call that no contract covers\n  #1 GET /spi/1.0/sa/custmers/C-1001 -> 404, no contract: UNKNOWN_ENDPOINT"
        in told
    )
    assert "the nearest is GET_CUSTOMER" in told
    assert "During handling" not in told
    assert "  #1 DELETE /spi/1.0/sa/customers/C-1001 -> 405, no contract: METHOD_NOT_ALLOWED" in told


def test_a_failed_test_shows_the_journals_of_both_kinds_and_a_passed_one_nothing(tmp_path: Path) -> None:
    source = """
def test_good(mockspi):
    look(mockspi, "C-GOOD")

def test_bad(mockspi, mockspi_app):
    look(mockspi, "C-BAD")
    mockspi_app.client.get(mockspi_app.url("GET_CUSTOMER", customerId="C-INSIDE"))
    open("keys", "w").write(mockspi.api_key + " " + mockspi_app.api_key)
    assert False
"""
    counts, told = outcome(tmp_path, source, "-n", "1", "--junit-xml=report.xml")
    assert counts == {"failed": 1, "passed": 1}, told
    assert told.count("mockspi journal of test-bad-") == 2
    assert re.search(r"GET /spi/1.0/sa/customers/C-BAD", told)
    assert "customers/C-INSIDE?api_key=$MOCKSPI_API_KEY" in told
    assert "C-GOOD" not in told
    for key in (tmp_path / "keys").read_text().split():
        assert key not in told


def test_the_calls_of_a_failed_test_are_made_again_from_its_bundle_alone(tmp_path: Path) -> None:
    source = """
def test_good(mockspi):
    look(mockspi)

def test_bad(mockspi, mockspi_app):
    mockspi.rule("GET_CUSTOMER", status=503, times={"first": 1})
    assert [look(mockspi).status_code for _ in range(2)] == [503, 200]
    mockspi_app.client.get(mockspi_app.url("GET_CUSTOMER", customerId="C-1001"))
    assert False
"""
    (tmp_path / "below").mkdir()
    counts, by_option = outcome(tmp_path, source, "-n", "1", "--mockspi-bundles=below/kept")
    assert counts == {"failed": 1, "passed": 1}, by_option
    (tmp_path / "pytest.ini").write_text("[pytest]\nmockspi_bundles = ini\n")
    _, by_ini = outcome(tmp_path, source, "--rootdir=..", "..", cwd=tmp_path / "below")
    for folder, told in ((tmp_path / "below" / "kept", by_option), (tmp_path / "ini", by_ini)):
        files = list(folder.glob("test-bad-*.bundle.gz"))
        assert all(f"'mockspi replay {file}' makes them again" in told for file in files)
        answers = sorted(mockspi("replay", str(file)).stdout for file in folder.iterdir())
        assert (len(files), answers) == (2, ["1 call answered the same\n", "2 calls answered the same\n"]), told
    counts, told = outcome(tmp_path, source, "--mockspi-bundles=test_it.py")
    assert counts == {"failed": 1, "passed": 1}
    assert re.search(r"test-bad-\w+\.bundle\.gz cannot be written: Not a directory", told)


def test_marks_say_what_the_sandbox_shall_be(tmp_path: Path) -> None:
    source = """
import pytest
pytestmark = pytest.mark.mockspi(seed="7", clock={"frozen": 1803893400000})

@pytest.mark.mockspi(scenario="flaky-first-call", clock={"frozen": 0})
def test_marked(mockspi):
    assert look(mockspi).status_code == 503
    assert mockspi.clock.now.year == 1970

@pytest.mark.parametrize("again", [1, 2])
def test_seeded(mockspi_app, again):
    line = {"productId": "P-1001", "quantity": 1, "price": 24, "tax": 2.46}
    place = {"city": "Chicago", "state": "IL", "postalCode": "60622", "countryCode": "US"}
    sent = {"orderId": "O-9001", "destinationAddress": place, "productList": [line]}
    answer = mockspi_app.client.post(mockspi_app.url("TAX_SERVICE.finalizeTaxSubmission"), json=sent).text
    with open("answers", "a") as file:
        print(answer, file=file)
"""
    counts, told = outcome(tmp_path, source, "--strict-markers")
    assert counts == {"passed": 3}, told
    assert len(set((tmp_path / "answers").read_text().splitlines())) == 1


def test_fixtures_of_ones_own_are_served_and_may_stand_in_the_ini_file(tmp_path: Path) -> None:
    assert mockspi("init", "ours", cwd=tmp_path).returncode == 0
    shutil.rmtree(tmp_path / "ours" / "examples")
    path = tmp_path / "ours" / "records" / "customers.json"
    path.write_text(path.read_text("utf-8").replace('"Zoë"', '"Zoe-of-ours"'), "utf-8")
    source = """
def test_ours(mockspi, mockspi_app):
    inside = mockspi_app.client.get(mockspi_app.url("GET_CUSTOMER", customerId="C-1001")).json
    for found in (look(mockspi).json(), inside):
        assert found["profile"]["firstName"] == "Zoe-of-ours"
"""
    counts, told = outcome(tmp_path, source, "--mockspi-fixtures=ours")
    assert counts == {"passed": 1}, told
    (tmp_path / "below").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmockspi_fixtures = ours\n")
    counts, told = outcome(tmp_path, source, "--rootdir=..", "..", cwd=tmp_path / "below")
    assert counts == {"passed": 1}, told
    counts, told = outcome(tmp_path, source, "--mockspi-fixtures=theirs")
    assert counts == {"error": 1}, told
    assert "the fixture folder theirs does not exist" in told


def test_a_running_server_is_used_and_kept(tmp_path: Path) -> None:
    source = """
def test_there(mockspi, mockspi_server):
    assert mockspi_server.process is None
    assert look(mockspi).status_code == 200
    mockspi.verify("GET_CUSTOMER", exactly=1)
    open("base", "w").write(mockspi.base_url)
"""
    with serving(tmp_path) as server:
        by_options = ("--mockspi-admin-url", server.admin_url, "--mockspi-admin-token", server.token)
        by_environment = {
            "MOCKSPI_BASE_URL": server.base,
            "MOCKSPI_ADMIN_URL": server.admin_url,
            "MOCKSPI_ADMIN_TOKEN": server.token,
        }
        other = server.base.replace("127.0.0.1", "localhost")
        for words, env, base in (
            (by_options, {}, server.base),
            ((*by_options, "--mockspi-url", other), {}, other),
            ((), by_environment, server.base),
        ):
            counts, told = outcome(tmp_path, source, *words, env=env)
            assert counts == {"passed": 1}, told
            assert (tmp_path / "base").read_text() == base
        assert len(server.admin("GET", "/sandboxes").json()["sandboxes"]) == 1
        counts, told = outcome(tmp_path, source, "--mockspi-admin-url", server.admin_url)
        assert "--mockspi-admin-url needs its token: --mockspi-admin-token or MOCKSPI_ADMIN_TOKEN" in told
        assert requests.get(server.admin_url + "/health/live", timeout=30).status_code == 200
    counts, told = outcome(tmp_path, source, *by_options)
    assert "no admin port answers at" in told
    counts, told = outcome(tmp_path, source, "--mockspi-url", server.base)
    assert "--mockspi-url needs --mockspi-admin-url" in told


def test_a_run_that_uses_nothing_of_it_imports_nothing_but_the_plugin(tmp_path: Path) -> None:
    source = """
import sys

def test_light():
    ours = {name for name in sys.modules if name.split(".")[0] == "mockspi"}
    assert ours == {"mockspi", "mockspi.testing", "mockspi.testing.plugin"}
"""
    counts, told = outcome(tmp_path, source)
    assert counts == {"passed": 1}, told
    code = "import pytest, sys; old = set(sys.modules); import mockspi.testing.plugin; print(*set(sys.modules) - old)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=True
    )
    assert {name.partition(".")[0] for name in done.stdout.split()} == {"mockspi"}


@pytest.mark.parametrize("words", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_server_that_cannot_start_is_a_sentence_for_every_test(words: tuple[str, ...], tmp_path: Path) -> None:
    source = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_it(mockspi, number):
    pass
"""
    begin = time.monotonic()
    counts, told = outcome(tmp_path, source, *words, env={"MOCKSPI_WORKERS": "many"})
    assert counts == {"errors": 4}, told
    assert "the server did not start: MOCKSPI_WORKERS is 'many': a whole number from 1 to 64 is expected" in told
    assert time.monotonic() - begin < 110, "who came second waited in vain"
