"""What is written stays: through kill -9, next to other writers, reset, exported, and apart for each fixture set."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Server, await_ready, clean_environment, mockspi, serving

CREATES, THREADS, ANSWERED_BEFORE_THE_KILL = 500, 8, 300


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user folders are scratch."""
    return {"XDG_STATE_HOME": str(tmp_path / "user-state"), "XDG_CACHE_HOME": str(tmp_path / "user-cache")}


@pytest.fixture
def run(tmp_path: Path, home: dict[str, str]) -> Callable[..., str]:
    """Runs a command in the scratch folder, which must do well; what it printed."""

    def command(*words: str) -> str:
        done = mockspi(*words, cwd=tmp_path, env=home)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    return command


@contextmanager
def killable(folder: Path, env: dict[str, str], *words: str) -> Iterator[Server]:
    """A server that is a process group of its own and is killed, workers and all, at the end of the block."""
    ready, log = folder / "ready.json", folder / "killed.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "mockspi", "serve", "--port", "0", "--ready-file", str(ready), *words],
            cwd=folder, env=clean_environment(env), stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        told = await_ready(process, ready, log)
        yield Server(process, told["baseUrl"], told["apiKey"], log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        ready.unlink(missing_ok=True)  # the killed one could not


def sentences(errors: str) -> list[str]:
    """What was said beside the progress."""
    return [line for line in errors.splitlines() if line != "mockspi: reading the fixture set ..."]


def shopper(number: int) -> dict[str, Any]:
    """A customer with something under every search term."""
    return {
        "profile": {
            "customerId": f"K-{number:04}",
            "firstName": f"Kestrel{number:04}",
            "lastName": f"Durable{number:04}",
            "email": f"kestrel{number:04}@example.com",
            "phoneMobile": f"+49 170 900{number:04}",
        },
        "addressList": [{"addressLine1": "Alte Gasse 1", "city": "Ulm", "postalCode": f"Z{number:04}", "countryCode": "DE"}],
        "consents": {"eReceipt": True},
    }


def found_by_each_term(server: Server, number: int) -> list[list[str]]:
    """The ids that each search criterion finds for a shopper."""
    profile = shopper(number)["profile"]
    asked = [
        {"email": profile["email"]},
        {"phone": profile["phoneMobile"]},
        {"firstName": profile["firstName"]},
        {"lastName": profile["lastName"]},
        {"postalCode": f"Z{number:04}"},
        {"customerId": profile["customerId"]},
    ]
    answers = [server.call("GET", "/sa/customers", params=one).json() for one in asked]
    return [[one["profile"]["customerId"] for one in answer["customers"]] for answer in answers]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_answered_before_kill_9_is_there_and_nothing_is_half_there(
    workers: str, tmp_path: Path, home: dict[str, str]
) -> None:
    state = ("--state", str(tmp_path / "kept"), "--workers", workers)
    answered: list[int] = []
    with killable(tmp_path, home, *state) as server:

        def create(number: int) -> None:
            try:
                answer = server.call("POST", "/sa/customers", json=shopper(number))
            except requests.RequestException:
                return  # it was killed: whether this one is there is open, but not half
            assert answer.json()["profile"]["customerId"] == f"K-{number:04}"
            answered.append(number)
            if len(answered) == ANSWERED_BEFORE_THE_KILL:
                os.killpg(server.process.pid, signal.SIGKILL)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(create, range(CREATES)))
    assert ANSWERED_BEFORE_THE_KILL <= len(answered) < CREATES, "the kill was not in the middle"
    with serving(tmp_path, *state, env=home) as server:
        kept = {number for number in range(CREATES) if is_whole(server, number)}
        assert set(answered) <= kept
        assert len(kept) <= len(answered) + THREADS
        under_way = kept - set(answered)  # there or not as it happened, so the likeliest to be half there
        for number in (*under_way, *random.sample(sorted(kept), 40), *sorted(set(range(CREATES)) - kept)[:40]):
            expected = [f"K-{number:04}"] if number in kept else []
            assert found_by_each_term(server, number) == [expected] * 6
        assert server.call("POST", "/sa/customers", json=shopper(5000)).json()["orderCount"] == 0


def is_whole(server: Server, number: int) -> bool:
    """Whether a shopper is there; one who is must be all there."""
    told = server.call("GET", f"/sa/customers/K-{number:04}").json()
    if told.get("errorCode") == "CUSTOMER_NOT_FOUND":
        return False
    assert told["addressList"][0].pop("addressId")
    assert told == {**shopper(number), "orderCount": 0}
    return True


def test_of_two_hundred_creates_of_one_email_exactly_one_succeeds(tmp_path: Path, home: dict[str, str]) -> None:
    def create(number: int) -> dict[str, Any]:
        profile = {"customerId": f"T-{number}", "firstName": "Twin", "lastName": "Only", "email": "only.one@example.com"}
        told: dict[str, Any] = server.call("POST", "/sa/customers", json={"profile": profile}).json()
        return told

    kept = tmp_path / "kept"
    with serving(tmp_path, "--workers", "2", "--state", str(kept), env=home) as server, ThreadPoolExecutor(40) as pool:
        with closing(sqlite3.connect(kept / "records.sqlite", isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            asked = [pool.submit(create, number) for number in range(200)]
            time.sleep(1)  # both workers come to stand before the file; one that checked before it could write is too late
            held.execute("ROLLBACK")
        answers = [one.result() for one in asked]
        made = [one["profile"]["customerId"] for one in answers if "profile" in one]
        refused = [one["errorCode"] for one in answers if "profile" not in one]
        assert len(made) == 1
        assert refused == ["CUSTOMER_ALREADY_EXISTS"] * 199
        found = server.call("GET", "/sa/customers", params={"email": "only.one@example.com"}).json()
        assert [one["profile"]["customerId"] for one in found["customers"]] == made


def test_state_is_shown_and_dropped_while_a_server_runs(tmp_path: Path, home: dict[str, str], run: Callable[..., str]) -> None:
    keys = ("--api-key", "one=key-one", "--api-key", "two=key-two")
    with serving(tmp_path, "--state", "kept", "--workers", "2", *keys, env=home) as server:
        before = server.call("GET", "/sa/customers/C-1001").json()
        change = {"profile": {"customerId": "C-1001", "firstName": "Changed"}}
        for key in ("key-one", "key-two"):
            assert server.call("PUT", "/sa/customers", key=key, json=change).json()["profile"]["firstName"] == "Changed"
        assert json.loads(run("state", "show", "--json", "--state", "kept"))["changed"] == {"one": 1, "two": 1}
        assert "1 changed record dropped" in run("state", "reset", "--sandbox", "one", "--state", "kept")
        seen = [server.call("GET", "/sa/customers/C-1001", key="key-one").json() for _ in range(10)]
        assert seen == [before] * 10, "the fixture's record is back at once, in every worker"
        assert server.call("GET", "/sa/customers/C-1001", key="key-two").json()["profile"]["firstName"] == "Changed"
        run("state", "reset", "--state", "kept")
        assert server.call("GET", "/sa/customers/C-1001", key="key-two").json() == before
        assert run("state", "show", "--state", "kept") == "kept\n"


def test_what_is_kept_is_no_matter_of_memory(tmp_path: Path) -> None:
    for words in (("show",), ("reset",)):
        done = mockspi("state", *words, "--state", "memory", cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "memory keeps nothing" in done.stderr


@pytest.mark.parametrize("file", ["records", "sandboxes"])
@pytest.mark.parametrize("layout", [1, 99])
def test_state_of_another_version_is_one_sentence(
    file: str, layout: int, tmp_path: Path, home: dict[str, str], run: Callable[..., str]
) -> None:
    run("state", "show", "--state", "kept")
    with sqlite3.connect(tmp_path / "kept" / f"{file}.sqlite") as connection:
        connection.execute(f"PRAGMA user_version = {layout}")
    connection.close()
    done = mockspi("serve", "--port", "0", "--state", "kept", cwd=tmp_path, env=home)
    assert (done.returncode, done.stdout, len(sentences(done.stderr))) == (2, "", 1)
    assert f"the state in kept was written by another version of mockspi (layout {layout}, this one reads " in done.stderr


def test_a_state_file_that_is_no_database_is_one_sentence(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "records.sqlite").write_text("these are not the bytes of a database, however long one looks" * 40)
    done = mockspi("serve", "--port", "0", "--state", "kept", cwd=tmp_path, env=home)
    assert (done.returncode, done.stdout, len(sentences(done.stderr))) == (2, "", 1)
    assert "the state in kept cannot be used" in done.stderr


def test_two_fixture_sets_do_not_share_what_is_kept_by_default(
    tmp_path: Path, home: dict[str, str], run: Callable[..., str]
) -> None:
    run("init", "a/shop")
    run("init", "b/shop")
    places = {words: run("state", "show", *words).strip() for words in ((), ("--fixtures", "a/shop"), ("--fixtures", "b/shop"))}
    assert len(set(places.values())) == 3
    assert all(Path(place).is_relative_to(tmp_path / "user-state" / "mockspi") for place in places.values())
    assert run("state", "show", "--fixtures", str(tmp_path / "a" / ".." / "a" / "shop")).strip() == places["--fixtures", "a/shop"]


def test_without_a_state_setting_changes_survive_in_the_users_state_folder(tmp_path: Path, home: dict[str, str]) -> None:
    for expected in ("CUSTOMER_NOT_FOUND", None):
        with killable(tmp_path, home) as server:
            assert server.call("GET", "/sa/customers/K-0001").json().get("errorCode") == expected
            server.call("POST", "/sa/customers", json=shopper(1))


def test_a_running_server_needs_nothing_of_the_cache(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, "--threads", "16", env=home) as server:
        assert list((tmp_path / "user-cache").rglob("*.sqlite"))
        shutil.rmtree(tmp_path / "user-cache")
        with ThreadPoolExecutor(16) as pool:  # threads open the set when they are first used
            codes = list(pool.map(lambda _: server.call("GET", "/sa/customers/C-1001").status_code, range(200)))
        assert codes == [200] * 200


def test_the_cache_keeps_the_sets_that_were_used_last(tmp_path: Path, run: Callable[..., str]) -> None:
    sets = tmp_path / "user-cache" / "mockspi" / "sets"
    sets.mkdir(parents=True)
    for number in range(30):
        (sets / f"old{number:02}.sqlite").write_bytes(b"")
        os.utime(sets / f"old{number:02}.sqlite", (number, number))
    run("fixtures", "export", "out", "--state", "kept")
    left = sorted(path.name for path in sets.glob("*.sqlite"))
    assert [name for name in left if name.startswith("old")] == [f"old{number:02}.sqlite" for number in range(15, 30)]
    assert len(left) == 16


def test_starting_again_leaves_nothing_behind(tmp_path: Path, home: dict[str, str]) -> None:
    seen = []
    for _ in range(3):
        with serving(tmp_path, "--state", str(tmp_path / "kept"), env=home) as server:
            assert server.call("GET", "/sa/customers/C-1001").status_code == 200
        seen.append(sorted(path.name for path in (tmp_path / "kept").iterdir()))
    assert seen[1:] == seen[:1] * 2
