"""Reading a fixture set again, looked at closely: files that change meanwhile, what is left on disk, and many saves."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, mockspi, serving, until
from test_reload import CUSTOMERS, Live, copy, edit, named

from mockspi import building, compiling, reloading
from mockspi.reloading import Reloader
from mockspi.settings import load


def test_a_set_that_lay_still_before_the_start_is_watched_too(tmp_path: Path) -> None:
    folder = copy(tmp_path / "set")
    time.sleep(2.2)  # what changed later than that is read again in any case
    with serving(tmp_path, "--fixtures", str(folder)) as server:
        live = Live(server, folder)
        edit(folder / CUSTOMERS, named("Saved"))
        until(lambda: live.name() == "Saved")
        time.sleep(1.2)
        edit(folder / CUSTOMERS, named("Again"))
        until(lambda: live.name() == "Again")
        assert live.reloads()["served"] == 2


def test_a_set_that_changes_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy(tmp_path / "set")
    house = building.build(load({"fixtures": str(folder), "state": str(tmp_path / "state")}, {}))
    compiled, names = compiling.compiled, iter(["Third", "Second"])

    def changing(*words: Any, **more: Any) -> Path:
        made = compiled(*words, **more)
        if name := next(names, ""):
            edit(folder / CUSTOMERS, named(name))
        return made

    monkeypatch.setattr(reloading, "compiled", changing)
    edit(folder / CUSTOMERS, named("First"))
    Reloader(house).reload("main")
    records = house.editions()().store.read("nobody")
    assert (records.get("customers", "C-1001") or {})["profile"]["firstName"] == "Second"
    assert house.board().read()["reloads"] == {"served": 1}


def test_a_half_saved_file_is_given_the_time_to_become_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copy(tmp_path / "set") / CUSTOMERS
    house = building.build(load({"fixtures": str(tmp_path / "set"), "state": str(tmp_path / "state")}, {}))
    whole = path.read_text("utf-8") + "\n"
    path.write_text(whole[:1000], "utf-8")
    monkeypatch.setattr(reloading.time, "sleep", lambda _: path.write_text(whole, "utf-8"))
    assert Reloader(house).reload("main")["findings"] == []
    assert house.board().read()["reloads"] == {"served": 1}


def test_the_files_of_editions_that_nobody_uses_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy(tmp_path / "set")
    house = building.build(load({"fixtures": str(folder), "state": str(tmp_path / "state")}, {}))
    reloader = Reloader(house)
    for name in ("First", "Second", "Third"):
        edit(folder / CUSTOMERS, named(name))
        reloader.reload("main")
        assert reloader.sweep(), "calls under way may open the last ones yet"
    assert len(list(house.served.glob("base-*.sqlite"))) == 4
    monkeypatch.setattr(reloading, "_LINGER", -1.0)
    assert not reloader.sweep()
    assert [str(path) for path in house.served.glob("base-*.sqlite")] == [house.board().read()["sets"]["main"]["base"]]


def test_a_server_takes_its_compiled_sets_along(tmp_path: Path) -> None:
    for _ in range(2):
        with serving(tmp_path, "--state", str(tmp_path / "state")):
            assert len(list((tmp_path / "state/served").iterdir())) == 1
        assert not list((tmp_path / "state/served").iterdir())


@pytest.mark.parametrize("folder", ["set\\u0000evil", "/set/\\u0000"])
def test_a_folder_with_a_nul_in_its_name_is_refused_in_a_sentence(folder: str, tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text(f'fixtures = "{folder}"\n')
    done = mockspi("serve", "--port", "0", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "does not exist" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_call_fails_and_none_sees_two_editions_while_files_are_saved(workers: str) -> None:
    script = [sys.executable, str(ROOT / "benchmarks" / "reloads.py"), "--count", "30", "--workers", workers]
    done = subprocess.run(script, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
