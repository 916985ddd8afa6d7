"""The first start of a set and the next: what is compiled, when it is believed, what is left of an end in the middle."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import clean_environment, mockspi

from mockspi import compiling
from mockspi.cli.progress import Progress
from mockspi.compiling import compiled, digest_of
from mockspi.contracts.collections import COLLECTIONS
from mockspi.errors import BrokenSet, UsageError
from mockspi.fixtures.checking import check
from mockspi.fixtures.reading import FixtureSet, open_set, sample_set
from mockspi.rehearsing import compile_into, make
from mockspi.store.base import Criterion
from mockspi.store.sqlite import SqliteStore

CUSTOMERS, STORES = "records/customers.json", "records/stores.json"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A set of the test's own."""
    return Path(shutil.copytree(sample_set().folder, tmp_path / "set"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mockspi" / "sets"


def edit(path: Path, change: Callable[[list[Any]], None]) -> None:
    """Change the records of a file."""
    document = json.loads(path.read_text("utf-8"))
    change(document["records"])
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def content(base: Path) -> dict[str, list[Any]]:
    """Every row of a compiled set, but for the numbers by which its records are kept."""
    connection = sqlite3.connect(base)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = {name: list(connection.execute(f"SELECT * FROM {name}")) for name in tables - {"records", "ranks", "keys"}}
    told = "SELECT collection, k.key, rank, r.key, sort, body FROM keys k JOIN ranks r USING (rank, id) JOIN records USING (id)"
    found["records"] = sorted(connection.execute(told))
    connection.close()
    return found


def nothing(_: float) -> None:
    """Nobody is told."""


def test_both_ways_compile_the_same(mine: Path, tmp_path: Path) -> None:
    found = open_set(str(mine))
    compile_into(tmp_path / "slow.sqlite", found)
    assert make(tmp_path / "quick.sqlite", open_set(str(mine))) == []
    assert content(tmp_path / "quick.sqlite") == content(tmp_path / "slow.sqlite")


def named(index: int, **profile: Any) -> Callable[[list[Any]], None]:
    """Give a customer other members."""
    return lambda records: records[index]["profile"].update(profile)


UNSOUND: dict[str, tuple[str, Callable[[list[Any]], None], str]] = {
    "a key twice": (CUSTOMERS, named(1, customerId="C-1001"), "the key 'C-1001' is taken by record 0"),
    "an e-mail twice": (
        CUSTOMERS, lambda all_: named(1, email=all_[0]["profile"]["email"].upper())(all_), "is taken by record 0",
    ),
    "two telephones without a digit": (
        CUSTOMERS, lambda all_: [named(one, phoneMobile="-" * one)(all_) for one in (1, 2)], "the phoneMobile '--' is taken",
    ),
    "a record that nobody has": (CUSTOMERS, named(0, customerId="C-9999"), "no customers record has the key 'C-1001'"),
    "a magic value": (CUSTOMERS, named(3, customerId="MAGIC-400"), "'MAGIC-400' stands in records/customers.json"),
    "an amount that is too fine": (
        CUSTOMERS, lambda all_: all_[0]["loyaltyProfile"].update(currentStoreCredit=1.005), "1.005 has more than two decimals",
    ),
    "a wrong member": (STORES, lambda all_: all_[0].update(nmae="x"), "unknown field 'nmae'; did you mean 'name'?"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSOUND)
def test_what_is_wrong_is_told_as_ever(case: str, mine: Path, tmp_path: Path) -> None:
    file, change, words = UNSOUND[case]
    edit(mine / file, change)
    findings = make(tmp_path / "base.sqlite", open_set(str(mine)))
    assert any(words in one.message for one in findings), findings
    assert findings == check(open_set(str(mine)))


def test_what_only_looks_wrong_is_compiled(mine: Path, tmp_path: Path) -> None:
    shutil.rmtree(mine / "examples")
    edit(mine / CUSTOMERS, named(1, phoneMobile="-"))
    document = json.loads((mine / CUSTOMERS).read_text("utf-8"))
    turned = {"records": document["records"], "$schema": document["$schema"]}  # in an order that is not read in pieces
    (mine / CUSTOMERS).write_text(json.dumps(turned), "utf-8")
    assert make(tmp_path / "base.sqlite", open_set(str(mine))) == []
    compile_into(tmp_path / "slow.sqlite", open_set(str(mine)))
    assert content(tmp_path / "base.sqlite") == content(tmp_path / "slow.sqlite")


ZERO_AND_LINES = ("a\0b", "a", "a\0", "a\nb", "\\u0000")


def test_texts_that_json_cannot_bring_into_the_database_are_kept_as_they_are(mine: Path, tmp_path: Path) -> None:
    def odd(records: list[Any]) -> None:
        for number, text in enumerate(ZERO_AND_LINES):
            names = {"customerId": f"N-{text}", "firstName": "Odd", "lastName": f"n{text}"}
            records.append({"profile": {**names, "phoneMobile": f"+1 555 {number}\0", "email": f"{text}@mail.example"}})

    edit(mine / CUSTOMERS, odd)
    compile_into(tmp_path / "base.sqlite", open_set(str(mine)))
    assert make(tmp_path / "quick.sqlite", open_set(str(mine))) == []
    assert content(tmp_path / "quick.sqlite") == content(tmp_path / "base.sqlite")
    store = SqliteStore(tmp_path / "base.sqlite", tmp_path / "records.sqlite", COLLECTIONS)
    for text in ZERO_AND_LINES:
        for term, value in (("customerId", f"N-{text}"), ("lastName", f"n{text}"), ("email", f"{text}@mail.example")):
            found = store.read("").find("customers", Criterion(term, (value,))).records
            assert [one["profile"]["customerId"] for one in found] == [f"N-{text}"]
        assert store.read("").get("customers", f"N-{text}") is not None


def told(found: FixtureSet) -> list[float]:
    """What is told of the progress while a set is compiled."""
    steps: list[float] = []
    compiled(found, steps.append)
    return steps


def test_progress_goes_from_nothing_to_all_and_only_where_there_is_something_to_do(mine: Path, cache: Path) -> None:
    steps = told(open_set(str(mine)))
    assert (steps[0], steps[-1]) == (0, 1)
    assert steps == sorted(steps)
    assert len(set(steps)) > 10
    assert told(open_set(str(mine))) == []
    edit(mine / STORES, lambda all_: all_[0].update(nmae="x"))
    steps = []
    with pytest.raises(BrokenSet):
        compiled(open_set(str(mine)), steps.append)
    assert (steps[0], steps[-1]) == (0, 1)


def reads() -> int:
    """How many bytes this process has read."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_an_unchanged_set_is_not_read_again(mine: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_RACY", 0)
    (mine / "records" / "rewards.json").write_text(" " * 1_000_000 + (mine / "records" / "rewards.json").read_text())
    first, before = compiled(open_set(str(mine)), nothing), reads()
    found = open_set(str(mine))
    assert compiled(found, nothing) == first
    assert reads() - before < 100_000
    assert found.digest == open_set(str(mine)).digest
    first.unlink()
    assert compiled(open_set(str(mine)), nothing) == first, "what is remembered is read where it is compiled anew"


def test_a_change_is_seen_whatever_the_file_says_of_itself(mine: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_RACY", 0)
    path = mine / STORES
    first, before = digest_of(open_set(str(mine))), path.stat()
    path.write_text(path.read_text("utf-8").replace("S-101", "S-909", 1), "utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert digest_of(open_set(str(mine))) == open_set(str(mine)).digest != first
    (mine / "records" / "stores2.json").write_text("[]")
    assert digest_of(open_set(str(mine))) == open_set(str(mine)).digest


def test_what_may_have_changed_in_the_same_moment_is_not_remembered(
    mine: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_RACY", 10**12)
    digest_of(open_set(str(mine)))
    assert list(cache.glob("known-*")) == [], "the files are as new as their reading"


def test_where_files_do_not_tell_nothing_is_remembered(mine: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_RACY", 0)
    monkeypatch.setattr(compiling, "_TELLS", False)
    assert digest_of(open_set(str(mine))) == open_set(str(mine)).digest
    assert not cache.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seen": 1}', '{"digest": "x", "seen": null}'])
def test_a_note_that_is_none_is_not_believed(text: str, mine: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_RACY", 0)
    found = digest_of(open_set(str(mine)))
    (note,) = cache.glob("known-*")
    note.write_text(text)
    assert digest_of(open_set(str(mine))) == found
    assert json.loads(note.read_text())["digest"] == found


def test_a_file_that_changes_while_a_set_is_compiled_is_not_served(mine: Path, cache: Path) -> None:
    def change(done: float) -> None:
        if done == 0:
            edit(mine / CUSTOMERS, named(0, firstName="Another"))

    with pytest.raises(UsageError, match=r"customers\.json has changed while it was read; try again"):
        compiled(open_set(str(mine)), change)
    assert not [path for path in cache.iterdir() if path.suffix != ".json"]


def killed(mine: Path, cache: Path) -> Iterator[str]:
    """Names in the cache after a process was killed at each third of the way."""
    words = "import os, sys\nfrom mockspi.compiling import compiled\nfrom mockspi.fixtures.reading import open_set\n"
    for share in (0, 0.3, 0.7, 0.95):
        end = f"compiled(open_set(sys.argv[1]), lambda done: done >= {share} and os.kill(os.getpid(), 9))"
        done = subprocess.run([sys.executable, "-c", words + end, str(mine)], env=os.environ, check=False, timeout=60)
        assert done.returncode == -9
        yield from (path.name for path in cache.iterdir() if path.suffix != ".json")


def test_nothing_of_a_start_that_was_killed_is_used(mine: Path, cache: Path) -> None:
    left = set(killed(mine, cache))
    assert any("staged" in name for name in left)
    assert all(name.startswith(".") for name in left), "only what has its own name is ever opened"
    made = compiled(open_set(str(mine)), nothing)
    compile_into(cache / "other", open_set(str(mine)))
    assert content(made) == content(cache / "other")
    assert list(cache.glob(".*")) == [], "what killed processes left behind goes"


SHOWN = "from mockspi.cli import progress\nprogress._PATIENCE = -1\nshow = progress.Progress('reading ...')\n"


def test_a_terminal_is_shown_a_bar(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    words = f"{SHOWN}for done in (0, 0.25, 0.5, 1, 0, 1): show(done)"
    subprocess.run([sys.executable, "-c", words], stderr=theirs, env=clean_environment({"TERM": "xterm"}), check=True, timeout=60)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert shown.count("reading ...") == 2, "a line for each set"
    assert " 25%" in shown
    assert "100%" in shown
    assert shown.endswith("\n")


def test_others_are_told_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockspi.cli.progress._PATIENCE", -1)
    for show in (Progress("reading ..."), Progress()):
        for done in (0, 0.5, 1):
            show(done)
    assert capsys.readouterr().err == "reading ...\n"


def test_lint_counts_records_that_it_has_not_in_memory(mine: Path) -> None:
    done = mockspi("fixtures", "lint", str(mine))
    assert f"({sum(1 for _ in sample_set().records())} records, " in done.stdout
