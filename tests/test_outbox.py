"""The outbox under force: senders that are killed, several at once, leases that run out; nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, clean_environment, mockspi, until
from hooked import receiving

from mockspi.store.leases import is_gone, new_owner
from mockspi.store.outbox import OutboxStore
from mockspi.store.outbox_log import DELIVERED, WAITING, NotAgain, Wanted
from mockspi.store.outbox_tables import prepare
from mockspi.webhooks.message import Message, Target

EVENTS = int(os.environ.get("WEBHOOK_EVENTS", "60"))  #: 1000 shows what issue 5 asks for; fewer for everyday


def resume(state: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mockspi", "webhook", "resume", "--state", str(state)]
    return subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def message(name: str, url: str, order: str = "") -> Message:
    return Message(name, "retail-cloud/VOID_CART", {"cartId": name}, Target(url, "retail-cloud"), 1000, order)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


@pytest.fixture
def outbox(state: Path) -> OutboxStore:
    prepare(state / "outbox.sqlite")
    return OutboxStore(state / "outbox.sqlite")


def test_events_survive_a_sender_that_is_killed_three_times(state: Path, outbox: OutboxStore) -> None:
    with receiving(seconds=0.001) as target:
        for number in range(EVENTS):
            outbox.add("staging", message(f"C-{number}", target.hook), 1000)
        for kill in (1, 2, 3):
            sender, share = resume(state), EVENTS * kill // 4
            until(lambda share=share: len(target.came) >= share)  # type: ignore[misc]
            sender.send_signal(signal.SIGKILL)
            sender.communicate(timeout=30)
            assert sender.returncode == -signal.SIGKILL
        assert mockspi("webhook", "resume", "--state", str(state)).returncode == 0
        arrived = Counter(one.body["cartId"] for one in target.came)
    assert set(arrived) == {f"C-{number}" for number in range(EVENTS)}, "each at least once"
    repeated = sum(arrived.values()) - EVENTS
    assert repeated <= 3, "at most what was under way at each kill"
    found = outbox.search(Wanted())
    assert {one.state for one in found} == {DELIVERED}
    attempts = [attempt for one in found for attempt in outbox.attempts(one.number)]
    unknown = [one for one in attempts if not one.answered]
    assert len(attempts) - len(unknown) == EVENTS, "one that was answered for each, and no more than one"
    assert repeated <= len(unknown) <= 3, "and those that nobody lived to see are in the log"
    told = (
        json.loads(mockspi("webhook", "show", found[unknown[0].delivery - 1].id, "--state", str(state), "--json").stdout)
        if unknown
        else None
    )
    assert told is None or "never completed" in told["attemptLog"][0]["reason"]
    print(f"\n{EVENTS} events, {sum(arrived.values())} arrivals, {repeated} duplicates, {len(unknown)} attempts not completed")


def test_two_senders_share_the_work_and_send_nothing_twice(state: Path, outbox: OutboxStore) -> None:
    with receiving(seconds=0.01) as target:
        for number in range(EVENTS):
            outbox.add("staging", message(f"C-{number}", target.hook), 1000)
        senders = [resume(state), resume(state)]
        told = [one.communicate(timeout=120)[0] for one in senders]
        assert [one.returncode for one in senders] == [0, 0]
        assert sorted(Counter(one.body["cartId"] for one in target.came).values()) == [1] * EVENTS
        assert sum(int(one.splitlines()[-1].split()[0]) for one in told) == EVENTS
        assert target.most == 2


def test_those_of_one_order_are_never_under_way_together(state: Path, outbox: OutboxStore) -> None:
    with receiving(seconds=0.02) as target:
        for number in range(20):
            outbox.add("staging", message(f"C-{number}", target.hook, "cart"), 1000)
        senders = [resume(state) for _ in range(2)]
        for one in senders:
            one.communicate(timeout=120)
        mockspi("webhook", "resume", "--state", str(state))
        assert [one.body["cartId"] for one in target.came] == [f"C-{number}" for number in range(20)]
        assert target.most == 1


def test_only_what_is_there_and_finished_is_repeated_and_all_of_it_or_nothing(outbox: OutboxStore) -> None:
    for name in ("done", "waits"):
        outbox.add("box", message(name, "http://127.0.0.1/"), 5)
    held = outbox.claim("box", 5, 100)
    assert held is not None
    assert outbox.settle(held, DELIVERED, "")
    again = [(name, message(f"{name}-again", "http://127.0.0.1/")) for name in ("done", "waits", "gone")]
    with pytest.raises(NotAgain, match=r"nothing is sent again; waits: it is still under way; .*; gone: it is kept no more"):
        outbox.repost("box", again, 6)
    with pytest.raises(NotAgain, match="done: it is kept no more"):
        outbox.repost("another box", again[:1], 6)
    assert len(outbox.search(Wanted())) == 2
    assert outbox.repost("box", again[:1], 6) == ["done-again"]


def test_a_list_costs_as_much_as_it_is_long_however_many_wait_for_one_another(outbox: OutboxStore) -> None:
    def steps() -> int:
        taken = [0]

        def count() -> int:
            taken[0] += 1
            return 0

        outbox._turns.connection().set_progress_handler(count, 100)
        found = outbox.search(Wanted(space="box"))
        outbox._turns.connection().set_progress_handler(None, 0)
        assert [one.after for one in found] == [None, *["0"] * (len(found) - 1)]
        return taken[0]

    costs = []
    for many in (range(200), range(200, 800)):
        for number in many:
            outbox.add("box", message(str(number), "http://127.0.0.1/", "cart"), 5)
        costs.append(steps())
    assert costs[1] < 5 * costs[0]


def test_a_lease_that_runs_out_lets_another_send_and_the_late_one_changes_nothing(state: Path) -> None:
    clock = [0]
    prepare(state / "outbox.sqlite")
    one = OutboxStore(state / "outbox.sqlite", real=lambda: clock[0])
    two = OutboxStore(state / "outbox.sqlite", real=lambda: clock[0])
    one.add("box", message("m", "http://127.0.0.1/"), 5)
    assert one.claim("box", 4, 100) is None, "not yet due"
    held = one.claim("box", 5, 100)
    assert held is not None
    clock[0] = 99
    assert two.claim("box", 5, 100) is None
    clock[0] = 100
    taken = two.claim("box", 5, 100)
    assert taken is not None
    assert not one.settle(held, DELIVERED, "")
    assert two.search(Wanted())[0].state == WAITING
    assert two.settle(taken, DELIVERED, "")
    assert one.search(Wanted())[0].state == DELIVERED


def test_what_an_ended_process_held_is_free_at_once(state: Path, outbox: OutboxStore) -> None:
    outbox.add("box", message("m", "http://127.0.0.1/"), 5)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    machine, me, rest = outbox.owner.split("/")
    outbox.claim("box", 5, 10**9, owner=f"{machine}/{ended.pid}/{rest}")
    assert outbox.hold("other", 10**9, f"{machine}/{ended.pid}/{rest}")
    assert outbox.claim("box", 5, 10**9) is None
    assert not outbox.hold("other", 1, outbox.owner)
    outbox.free()
    assert outbox.claim("box", 5, 10**9) is not None
    assert outbox.hold("other", 1, outbox.owner)
    assert is_gone(f"{machine}/{ended.pid}/x")
    assert not is_gone(new_owner())
    assert not is_gone(f"elsewhere/{ended.pid}/x"), "another machine's cannot be seen from here"
    assert me == str(os.getpid())


def test_who_holds_a_space_is_the_only_one_to_send(outbox: OutboxStore) -> None:
    outbox.add("box", message("m", "http://127.0.0.1/"), 5)
    assert outbox.hold("box", 10**9, "me")
    assert outbox.claim("box", 5, 100) is None
    assert outbox.claim("box", 5, 100, owner="me") is not None
    outbox.release("box", "me")


def test_an_id_that_is_taken_gets_another(outbox: OutboxStore) -> None:
    ids = [outbox.add("box", message("same", "http://127.0.0.1/"), 5) for _ in range(2)]
    assert ids[0] == "same"
    assert ids[1].startswith("same-")
    assert outbox.add("other", message("same", "http://127.0.0.1/"), 5) == "same"


def test_threads_that_add_at_once_lose_nothing(outbox: OutboxStore) -> None:
    def add(thread: int) -> None:
        for number in range(25):
            outbox.add("box", message(f"{thread}-{number}", "http://127.0.0.1/"), 5)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert outbox.waiting() == 100


def test_what_was_accepted_is_synced_to_the_disk(outbox: OutboxStore) -> None:
    made: Any = outbox._turns.connection()
    assert made.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: the log is synced at each commit"
    assert made.execute("PRAGMA journal_mode").fetchone() == ("wal",)
