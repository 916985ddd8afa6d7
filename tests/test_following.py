"""A journal that is followed: entries as they come, from any worker, until who follows goes or the server stops."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import journals
import requests
from conftest import ROOT, clean_environment, serving
from journals import Box

box, two_workers = journals.box, journals.two_workers


def test_tail_follows(box: Box) -> None:
    words = ["journal", "tail", "-f", "--json", "--ready-file", box.ready_file, "--sandbox", box.key]
    process = subprocess.Popen([sys.executable, "-m", "mockspi", *words], cwd=ROOT, env=clean_environment(),
                               stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout
    try:
        for number in (1, 2):
            box.call("GET", f"/sa/customers/C-{number}")
            assert json.loads(process.stdout.readline())["path"].endswith(f"C-{number}")
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def test_tail_says_that_the_server_ended(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        box = Box(server, server.key)
        box.call("GET", "/sa/customers/C-1001")
        words = ["journal", "tail", "-f", "--ready-file", box.ready_file, "--sandbox", box.key]
        process = subprocess.Popen([sys.executable, "-m", "mockspi", *words], cwd=ROOT, env=clean_environment(),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        assert process.stdout
        process.stdout.readline()
        box.call("GET", "/sa/customers/C-1001")
        process.stdout.readline()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.count("\n"), "has ended" in said) == (2, 1, True), said


def follow(box: Box, path: str = "", **query: Any) -> requests.Response:
    return requests.get(
        box.server.admin_url + (path or f"/sandboxes/{box.key}/journal"), params={"follow": "true", **query}, stream=True,
        headers={"Authorization": f"Bearer {box.server.token}", "Accept": "application/x-ndjson"}, timeout=30,
    )  # fmt: skip


def entries_of(reply: requests.Response) -> Iterator[Any]:
    return (json.loads(line) for line in reply.iter_lines() if line)


def heard(entries: Iterator[Any], many: int) -> list[Any]:
    return list(itertools.islice(entries, many))


def test_a_stream_follows_what_comes_from_any_worker_and_keeps_to_its_filters(box: Box) -> None:
    box.call("GET", "/sa/customers/C-1")
    box.call("GET", "/sa/customers/C-2")
    with follow(box, last=1) as everything, follow(box, contract="SEARCH_ORDERS", pointer="/body/n", equals="2") as narrow:
        assert everything.headers["Content-Type"] == "application/x-ndjson"
        told = entries_of(everything)
        assert heard(told, 1)[0]["number"] == 2
        for number in range(1, 4):
            box.call("POST", "/sa/orders/search", json={"orderId": "O-1", "n": number})
        assert [one["number"] for one in heard(told, 3)] == [3, 4, 5]
        assert heard(entries_of(narrow), 1)[0]["number"] == 4


def test_calls_that_open_no_sandbox_can_be_followed_too(box: Box) -> None:
    box.ask("DELETE", "/journal")
    with follow(box, "/journal") as stream:
        box.server.call("GET", "/sa/customers/C-1001", key="wrong-one")
        assert heard(entries_of(stream), 1)[0]["reply"]["status"] == 401


def test_as_many_may_follow_as_there_are_places_and_who_goes_makes_room(box: Box) -> None:
    with ExitStack() as stack:
        codes = [stack.enter_context(follow(box)).status_code for _ in range(18)]
        assert 0 < codes.count(503) < 18
        over = follow(box)
        assert (over.status_code, over.json()["errorCode"], over.headers["Retry-After"]) == (503, "TOO_MANY_FOLLOWING", "1")
    deadline = time.monotonic() + 60
    while (again := follow(box)).status_code == 503:  # an empty line finds out that nobody reads any more
        assert time.monotonic() < deadline
    again.close()


def test_who_follows_or_waits_does_not_hold_the_stop_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        box = Box(server, server.key)
        with follow(box) as stream:
            waiting = pool.submit(box.wait, 60_000, contract="RETURN")
            box.call("GET", "/sa/customers/C-1001")
            told = entries_of(stream)
            assert heard(told, 1)
            assert server.process
            server.process.terminate()
            assert heard(told, 1) == []
        found = waiting.result(60)
        assert found.get("timedOut") is True, found


def test_follow_wants_lines(box: Box) -> None:
    refused = box.ask("GET", f"/sandboxes/{box.key}/journal", params={"follow": "true"})
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (400, "/follow")


def test_head_brings_the_head_of_every_format(box: Box) -> None:
    box.call("GET", "/sa/customers/C-1001")
    replies = [box.ask("HEAD", f"/sandboxes/{box.key}/journal", params={"format": one}) for one in ("json", "ndjson", "har")]
    assert [(one.status_code, one.content) for one in replies] == [(200, b"")] * 3
