"""Work spread over processes: in its order, whatever takes how long, and gone with who asked for it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from test_first_start import CUSTOMERS, content, edit, named

from mockspi.errors import UsageError
from mockspi.fixtures import sound
from mockspi.fixtures.reading import open_set, sample_set
from mockspi.fixtures.spreading import cores, spread
from mockspi.rehearsing import make
from mockspi.store import compiled
from mockspi.store.aside import Aside


def slowly(piece: bytes) -> bytes:
    """The piece and who worked on it; some take longer than others."""
    time.sleep(0.02 if piece[-1] % 3 == 0 else 0)
    return b"%b %d" % (piece, os.getpid())


@pytest.mark.parametrize("helpers", [1, 2, 3])
@pytest.mark.parametrize("many", [0, 1, 2, 7, 50])
def test_results_come_in_the_order_of_the_pieces(helpers: int, many: int) -> None:
    pieces = [b"x" * 200_000 + b"%d" % number for number in range(many)]
    with spread(slowly, helpers) as help_:
        results = [one.split() for one in help_(iter(pieces))]
    assert [piece for piece, _ in results] == pieces
    workers = {int(who) for _, who in results}
    assert len(workers) == (1 if helpers == 1 else min(helpers, many)) or not many
    assert (os.getpid() in workers) == (helpers == 1 and many > 0)


def test_helpers_end_when_their_work_is_not_wanted_any_more() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    with spread(slowly, 2) as help_:
        results = help_(endless())
        workers = {int(next(results).split()[1]) for _ in range(4)}
    assert len(workers) == 2
    for one in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)


def test_helpers_end_with_who_is_killed() -> None:
    words = (
        "import os\nfrom mockspi.fixtures.spreading import spread\nwith spread(lambda piece: os.getpid(), 3) as help_:\n"
        "    print(*help_(iter([b'x'] * 3)), flush=True)\n    os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False, timeout=60)
    workers = set(map(int, done.stdout.split()))
    assert (done.returncode, len(workers)) == (-9, 3)
    until(lambda: all(map(is_gone, workers)))


def is_gone(process: int) -> bool:
    """Whether a process has ended, even if nobody has asked how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_helper_that_ends_is_noticed() -> None:
    with spread(lambda piece: os._exit(3), 2) as help_, pytest.raises(EOFError):
        list(help_(iter([b"x"] * 5)))


def fail(piece: bytes) -> bytes:
    raise sqlite3.OperationalError(f"no room for {piece.decode()}")


def test_what_goes_wrong_in_a_helper_is_raised_where_the_work_was_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with spread(fail, 2) as help_, pytest.raises(sqlite3.OperationalError, match="no room for x") as raised:
        list(help_(iter([b"x"] * 5)))
    assert "in fail" in raised.value.__notes__[0], "who looks for a defect sees where it is"
    assert capfd.readouterr().err == ""


def test_a_full_disk_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sound, "_LARGE", 0)
    monkeypatch.setattr(sound, "cores", lambda: 2)
    monkeypatch.setattr(compiled, "_MANY", 1)
    monkeypatch.setattr(Aside, "ordered", full)
    with pytest.raises(UsageError, match=r"full\.sqlite cannot be written: database or disk is full"):
        make(tmp_path / "full.sqlite", open_set("sample"))
    assert capfd.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_nobody_helps_a_process_with_threads() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert cores() == 1
    done.set()
    thread.join()


def test_a_process_without_threads_is_helped_by_as_many_as_there_are_cores() -> None:
    words = "import os\nfrom mockspi.fixtures.spreading import cores\nprint(cores() == len(os.sched_getaffinity(0)))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"


UNSOUND = {"sound": None, "a wrong member": named(5, nmae="x"), "a key twice": named(5, customerId="C-1001"),
           "a telephone twice": named(5, phoneMobile="+1-312-555-0101")}  # fmt: skip


@pytest.mark.parametrize("case", UNSOUND)
@pytest.mark.parametrize("many", [0, 3])
def test_a_large_set_is_the_same_with_help(case: str, many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, change = Path(shutil.copytree(sample_set().folder, tmp_path / "set")), UNSOUND[case]
    if change:
        edit(mine / CUSTOMERS, named(0, phoneMobile="+13125550101"))
        edit(mine / CUSTOMERS, change)
    alone = make(tmp_path / "alone.sqlite", open_set(str(mine)))
    monkeypatch.setattr(sound, "_LARGE", 0)
    monkeypatch.setattr(sound, "cores", lambda: 3)
    monkeypatch.setattr(compiled, "_MANY", many)
    assert make(tmp_path / "helped.sqlite", open_set(str(mine))) == alone
    assert bool(alone) == bool(change)
    if not change:
        assert content(tmp_path / "helped.sqlite") == content(tmp_path / "alone.sqlite")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
