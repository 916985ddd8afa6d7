"""The admin port's own process: it answers when no worker does, ends with the server, and counts for all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from conftest import ROOT, Server, await_ready, clean_environment, serving, until
from processes import admin_of, alive, family, sender_of, workers_of


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_answers_when_no_data_worker_does(workers: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", workers) as server:
        stopped = [sender_of(server), *workers_of(server)]
        assert len(stopped) == int(workers) + 1
        try:
            for one in stopped:
                os.kill(one, signal.SIGSTOP)
            with pytest.raises(requests.Timeout):
                requests.get(server.url("/sa/customers/C-1001"), {"api_key": server.key}, timeout=0.3)
            key = server.minted(name="meanwhile")
            assert server.admin("POST", "/sandboxes/meanwhile/reset", {}).status_code == 200
            assert server.admin("GET", "/metrics").status_code == 200
        finally:
            for one in stopped:
                os.kill(one, signal.SIGCONT)
        assert server.call("GET", "/sa/customers/C-1001", key=key).status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_when_the_server_is_killed_nothing_of_it_goes_on(workers: str, tmp_path: Path) -> None:
    ready, log = tmp_path / "ready.json", tmp_path / "log"
    words = ["--port", "0", "--state", str(tmp_path / "state"), "--workers", workers, "--ready-file", str(ready)]
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mockspi", "serve", *words], cwd=tmp_path, env=clean_environment(), stdout=out,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    await_ready(process, ready, log)
    everybody = family(process.pid)
    assert len(everybody) == int(workers) + 4, "the server, its workers, who sends, who keeps the fixtures, and the admin port's"
    process.kill()
    process.wait(30)
    until(lambda: not any(map(alive, everybody)))
    for name in ("metrics", "served"):
        assert list((tmp_path / "state" / name).iterdir()), "nobody was left to remove them"
    ready.unlink()
    with serving(tmp_path, "--state", str(tmp_path / "state")) as server:
        for name in ("metrics", "served"):
            assert [one.name.split(".")[0] for one in (tmp_path / "state" / name).iterdir()] == [str(server.process.pid)]


def test_an_admin_process_that_is_killed_comes_back_once(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        first = admin_of(server)
        os.kill(first, signal.SIGKILL)
        until(lambda: _listening_again(server, first))
        assert server.admin("GET", "/sandboxes").status_code == 200
        assert server.admin("POST", "/fixtures/reload", {}).json()["ok"], "who keeps the fixtures hears the new one"
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200
        os.kill(admin_of(server), signal.SIGKILL)
        assert server.process.wait(30) == 2
    line = [one for one in server.log.read_text().splitlines() if one.startswith("mockspi: ")][-1]
    assert line == "mockspi: the process of the admin port ended (1), so the server does too; start it again"


def test_a_worker_that_is_killed_again_at_once_ends_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        (first,) = workers_of(server)
        os.kill(first, signal.SIGKILL)
        until(lambda: workers_of(server) not in ([], [first]))
        os.kill(workers_of(server)[0], signal.SIGKILL)
        assert server.process.wait(30) == 1


def _listening_again(server: Server, before: int) -> bool:
    try:
        return admin_of(server) != before
    except ValueError:
        return False


def test_a_server_whose_sender_is_gone_ends_with_a_sentence(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        os.kill(sender_of(server), signal.SIGKILL)
        assert server.process.wait(30) == 2
    line = [one for one in server.log.read_text().splitlines() if one.startswith("mockspi: ")][-1]
    assert line == "mockspi: the process of webhooks ended (-9), so the server does too; start it again"


def test_a_sender_that_is_told_to_stop_with_all_others_is_not_missed(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        sender = sender_of(server)
        os.kill(sender, signal.SIGTERM)  # a supervisor tells everybody at once
        until(lambda: not alive(sender))
        server.process.terminate()
        assert server.process.wait(30) == 0


def test_who_sends_sleeps_until_there_is_something_to_send(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        threads = Path(f"/proc/{sender_of(server)}/task")
        server.call("GET", "/sa/customers/C-1001")
        assert len(list(threads.iterdir())) == 1, "each thread and import is memory of a server that sends nothing"
        server.admin("POST", "/sandboxes/staging/webhooks", {"event": "VOID_CART", "to": "http://127.0.0.1:9/", "wait": False})
        until(lambda: len(list(threads.iterdir())) > 1)
        asked = "/sandboxes/staging/webhooks"
        until(lambda: server.admin("GET", asked).json()["webhooks"][0]["attempts"] == 1)


def test_who_forks_holds_no_database(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as server:
        held = [str(one.readlink()) for one in Path(f"/proc/{server.process.pid}/fd").iterdir()]
    assert not [one for one in held if "sqlite" in one], "children would share it, and the last to close it takes the log away"


def test_processes_that_are_started_anew_do_as_those_that_are_forked(tmp_path: Path) -> None:
    with serving(tmp_path, program=(str(ROOT / "tests" / "spawned.py"),)) as server:
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200
        assert server.admin("POST", "/fixtures/reload", {}).json()["ok"]
        sent = {"event": "VOID_CART", "to": "http://127.0.0.1:9/", "wait": False}
        assert server.admin("POST", "/sandboxes/staging/webhooks", sent).status_code == 201
        until(lambda: server.admin("GET", "/sandboxes/staging/webhooks").json()["webhooks"][0]["attempts"] == 1)
        everybody = family(server.process.pid)
        server.process.terminate()
        assert server.process.wait(30) == 0
        until(lambda: not any(map(alive, everybody)))


def test_two_servers_at_once_have_admin_ports_of_their_own(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0]) as one, serving(folders[1]) as two:
        assert one.admin_url != two.admin_url
        assert one.token != two.token
        one.minted(name="mine")
        assert two.admin("GET", "/sandboxes/mine").status_code == 404
        assert two.admin("GET", "/sandboxes", headers={"Authorization": f"Bearer {one.token}"}).status_code == 401


def numbers(server: Server) -> dict[str, float]:
    """What Prometheus would read."""
    answer = server.admin("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_every_call_is_counted_once_whichever_worker_answered(workers: str, tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", workers) as server:
        for _ in range(20):
            server.call("GET", "/sa/customers/C-1001")
        server.call("GET", "/sa/customers/nobody")
        server.call("POST", "/sa/customers", json={"profile": 5})
        server.call("GET", "/nowhere")
        server.call("GET", "/sa/customers/C-1001", key="wrong")
        server.minted()
        found = numbers(server)
        requests_ = {name: value for name, value in found.items() if name.startswith("mockspi_requests_total")}
        assert requests_ == {
            'mockspi_requests_total{contract="GET_CUSTOMER",outcome="answered"}': 20,
            'mockspi_requests_total{contract="GET_CUSTOMER",outcome="refused"}': 1,
            'mockspi_requests_total{contract="CREATE_CUSTOMER",outcome="rejected"}': 1,
            'mockspi_requests_total{contract="none",outcome="rejected"}': 1,
            'mockspi_requests_total{contract="none",outcome="unauthorized"}': 1,
        }
        assert found['mockspi_request_seconds_bucket{contract="GET_CUSTOMER",le="+Inf"}'] == 21
        assert found['mockspi_request_seconds_count{contract="GET_CUSTOMER"}'] == 21
        assert found['mockspi_request_seconds_sum{contract="GET_CUSTOMER"}'] > 0
        assert (found["mockspi_sandboxes"], found["mockspi_sandboxes_fixed"]) == (1, 1)
        first = workers_of(server)[0]
        os.kill(first, signal.SIGKILL)  # a worker that dies takes no numbers with it
        until(lambda: first not in (now := workers_of(server)) and len(now) == int(workers))
        assert numbers(server)['mockspi_requests_total{contract="GET_CUSTOMER",outcome="answered"}'] == 20


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system keeps nobody to a processor")
def test_on_one_processor_calls_the_admin_port_and_reloads_are_answered_too(tmp_path: Path) -> None:
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        with serving(tmp_path) as server:
            assert server.call("GET", "/sa/customers/C-1001").status_code == 200
            assert server.admin("POST", "/fixtures/reload", {}).json()["ok"]
    finally:
        os.sched_setaffinity(0, allowed)
