"""Fixture files that change under a running server: served when they are sound, told when they are not."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import ROOT, Server, serving, until
from links import LINKS, STORES

CUSTOMERS = "records/customers.json"
NOTE = "Mockspi-Fixtures"


def copy(folder: Path) -> Path:
    """The sample set without its examples, which is read again at once."""
    shutil.copytree(ROOT / "fixtures", folder)
    shutil.rmtree(folder / "examples")
    return folder


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change the JSON in a file."""
    document = json.loads(path.read_text("utf-8"))
    change(document)
    path.write_text(json.dumps(document), "utf-8")


def named(name: str) -> Callable[[Any], Any]:
    """Gives the first customer a name."""
    return lambda document: document["records"][0]["profile"].update(firstName=name)


@dataclass
class Live:
    """A running server and its fixture set."""

    server: Server
    folder: Path

    def name(self, **options: Any) -> str:
        """What the first customer is called; asked on new connections, so that both workers are heard."""
        answers = [self.server.call("GET", "/sa/customers/C-1001", **options) for _ in range(4)]
        found = {one.json()["profile"]["firstName"] for one in answers}
        return found.pop() if len(found) == 1 else ""

    def notes(self, **options: Any) -> set[str]:
        """What the header says."""
        return {self.server.call("GET", "/sa/customers/C-1001", **options).headers.get(NOTE, "") for _ in range(4)}

    def fixtures(self) -> dict[str, Any]:
        """What the admin port tells."""
        return dict(self.server.admin("GET", "/fixtures").json())

    def state(self, name: str = "main") -> str:
        """fresh or stale."""
        return str(next(one["state"] for one in self.fixtures()["sets"] if one["name"] == name))

    def reload(self, **body: Any) -> dict[str, Any]:
        """Have the files read now."""
        reply = self.server.admin("POST", "/fixtures/reload", body)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def reloads(self) -> dict[str, int]:
        """How many sets were read again, by outcome."""
        lines = self.server.admin("GET", "/metrics").text.splitlines()
        return {line.split('"')[1]: int(float(line.split()[1])) for line in lines if line.startswith("mockspi_reloads_total{")}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Two workers over one set."""
    home = tmp_path_factory.mktemp("live")
    folder = copy(home / "set")
    with serving(home, "--fixtures", str(folder), "--workers", "2", env={"XDG_CACHE_HOME": str(home / "cache")}) as server:
        yield Live(server, folder)


@pytest.fixture
def live(running: Live, tmp_path: Path) -> Iterator[Live]:
    """The same, as it was, for each test."""
    kept = Path(shutil.copytree(running.folder, tmp_path / "kept", symlinks=True))
    yield running
    shutil.rmtree(running.folder)
    shutil.copytree(kept, running.folder)
    assert running.reload()["ok"]


def test_a_saved_record_is_served(live: Live) -> None:
    edit(live.folder / CUSTOMERS, named("Saved"))
    until(lambda: live.name() == "Saved")
    assert live.notes() == {""}
    (told,) = live.fixtures()["sets"]
    assert (told["name"], told["folder"], told["state"]) == ("main", str(live.folder), "fresh")
    assert live.fixtures()["changed"] == [
        {"set": "main", "collection": "customers", "added": 0, "removed": 0, "changed": 1},
    ]


def test_texts_scenarios_and_magic_values_come_with_it(live: Live) -> None:
    key = live.server.minted(scenario="rate-limited")
    assert {live.server.call("GET", "/sa/customers/C-1001", key=key).status_code for _ in range(8)} == {200}
    edit(live.folder / "messages/en.json", lambda one: one.update(CUSTOMER_NOT_FOUND="Gone."))
    edit(live.folder / "rules/rate-limited.json", lambda one: one.update(rules=[{"then": {"status": 418}}]))
    edit(live.folder / "magic.json", lambda one: one["values"].append({"about": "x", "id": "MAGIC-NEW", "then": {"status": 507}}))
    live.reload()
    assert live.server.call("GET", "/sa/customers/nobody").json()["errorMessage"] == "Gone."
    assert live.server.call("GET", "/sa/customers/MAGIC-NEW").status_code == 507
    assert {live.server.call("GET", "/sa/customers/C-1001", key=key).status_code for _ in range(4)} == {418}
    assert "MAGIC-NEW" in live.server.admin("GET", "/magic").text


def rename_over(path: Path, text: str) -> None:
    path.with_suffix(".new").write_text(text, "utf-8")
    path.with_suffix(".new").replace(path)


def delete_and_create(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text, "utf-8")


def in_steps(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", buffering=1) as file:
        for start in range(0, len(text), len(text) // 5):
            file.write(text[start : start + len(text) // 5])
            file.flush()
            time.sleep(0.03)


def another_folder(path: Path, text: str) -> None:
    made = Path(shutil.copytree(path.parent, path.parent.with_name("made")))
    (made / path.name).write_text(text, "utf-8")
    path.parent.rename(path.parent.with_name("records-before"))
    made.rename(path.parent)


@pytest.mark.parametrize("save", [rename_over, delete_and_create, in_steps, another_folder])
def test_however_an_editor_saves_what_it_saved_is_served(save: Callable[[Path, str], None], live: Live) -> None:
    before = live.reloads()
    path = live.folder / CUSTOMERS
    document = json.loads(path.read_text("utf-8"))
    for name in ("First", "Second"):
        named(name)(document)
        if save is another_folder:
            shutil.rmtree(live.folder / "records-before", ignore_errors=True)
        save(path, json.dumps(document))
        until(lambda name=name: live.name() == name)  # type: ignore[misc]
    assert live.notes() == {""}
    if save is rename_over:  # never half saved, however slow this machine is
        assert live.reloads() == {**before, "served": before["served"] + 2}


def test_files_of_an_editor_are_no_part_of_the_set(live: Live) -> None:
    (live.folder / "records/.#customers.json").symlink_to("somebody@here.123")
    (live.folder / "records/customers.json~").write_text("{")
    (live.folder / "records/.customers.json.swp").write_text("{")
    assert live.reload() == {"ok": True, "findings": [], "changed": [], "conflicts": []}


# --- what is broken is told


def test_what_is_broken_is_told_everywhere_and_the_last_good_one_is_served(live: Live) -> None:
    name, path = live.name(), live.folder / CUSTOMERS
    right = path.read_text("utf-8")
    path.write_text(right.replace('"firstName"', '"fristName"', 1), "utf-8")
    until(lambda: "" not in live.notes())
    line = right[: right.index('"firstName"')].count("\n") + 1
    (note,) = live.notes()
    assert note.startswith(f"stale; see {CUSTOMERS}:")
    assert note.endswith(", or GET /fixtures on the admin port")
    assert live.name() == name
    assert live.server.call("GET", "/nowhere").headers[NOTE] == note
    assert NOTE not in live.server.call("GET", "/nowhere", "wrong").headers
    told = live.fixtures()
    assert told["sets"][0]["state"] == "stale"
    places = [(one["file"], one["line"], one["pointer"]) for one in told["findings"]]
    assert (CUSTOMERS, line, "/records/0/profile/fristName") in places
    ready = requests.get(f"{live.server.admin_url}/health/ready", timeout=30)
    assert (ready.status_code, ready.json()["fixtures"]) == (200, "stale")
    log = live.server.log.read_text()
    assert f"{live.folder}/{CUSTOMERS}:{line}:" in log
    assert f"{live.folder} is stale" in log
    path.write_text(right, "utf-8")
    until(lambda: live.notes() == {""})
    assert live.fixtures()["findings"] == []
    assert requests.get(f"{live.server.admin_url}/health/ready", timeout=30).json()["fixtures"] == "fresh"


def test_findings_in_examples_only_come_with_advice_in_the_log(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ROOT / "fixtures", tmp_path / "set"))
    with serving(tmp_path, "--fixtures", str(folder), env={"XDG_CACHE_HOME": str(tmp_path)}) as server:
        edit(folder / CUSTOMERS, named("Zara"))
        until(lambda: "fixtures: examples/ are tests of your data: change them with it" in server.log.read_text())


def test_reading_again_on_request_says_what_came_of_it(live: Live) -> None:
    edit(live.folder / STORES, lambda document: document["records"][0].update(nmae="x"))
    done = live.reload()
    assert done["ok"] is False
    assert "unknown field 'nmae'; did you mean 'name'?" in [one["message"] for one in done["findings"]]
    assert live.reload()["findings"] == done["findings"], "asked again, the answer is the same"
    edit(live.folder / STORES, lambda document: (document["records"][0].pop("nmae"), named("X")))
    assert live.reload(set="main")["ok"] is True
    unknown = live.server.admin("POST", "/fixtures/reload", {"set": "mian"})
    assert (unknown.status_code, unknown.json()["errorCode"]) == (404, "FIXTURE_SET_UNKNOWN")
    assert "did you mean 'main'?" in unknown.json()["errorMessage"]


def test_a_folder_that_is_gone_is_told_and_comes_back(live: Live, tmp_path: Path) -> None:
    name = live.name()
    live.folder.rename(tmp_path / "away")
    until(lambda: "" not in live.notes())
    assert (live.name(), live.notes()) == (name, {"stale; see GET /fixtures on the admin port"})
    assert "does not exist" in live.fixtures()["findings"][0]["message"]
    (tmp_path / "away").rename(live.folder)
    until(lambda: live.notes() == {""})


def test_without_watching_only_a_request_reads_again(tmp_path: Path) -> None:
    folder = copy(tmp_path / "set")
    with serving(tmp_path, "--fixtures", str(folder), "--reload", "off") as server:
        live = Live(server, folder)
        name = live.name()
        edit(folder / CUSTOMERS, named("Asked"))
        time.sleep(2)
        assert live.name() == name
        assert live.reload()["changed"] == [{"set": "main", "collection": "customers", "added": 0, "removed": 0, "changed": 1}]
        assert live.name() == "Asked"


# --- what sandboxes have written


def test_what_a_sandbox_has_written_stays_and_a_record_changed_by_both_is_reported(live: Live) -> None:
    key = live.server.minted(name="writer")
    for customer in ("C-1001", "C-1002"):
        change = {"profile": {"customerId": customer, "firstName": "Mine"}}
        assert live.server.call("PUT", "/sa/customers", key=key, json=change).json()["profile"]["firstName"] == "Mine"
    edit(live.folder / CUSTOMERS, named("Theirs"))
    until(lambda: live.name() == "Theirs")
    assert live.name(key=key) == "Mine"
    conflict = {"set": "main", "sandbox": "writer", "collection": "customers", "key": "C-1001"}
    assert live.fixtures()["conflicts"] == [conflict]
    assert "customers C-1001 has changed; sandbox writer keeps what it has written" in live.server.log.read_text()
    live.server.admin("POST", "/sandboxes/writer/reset", {"records": True})
    assert live.name(key=key) == "Theirs"


# --- nothing outside is read, whenever the link appears


@pytest.mark.parametrize("link", LINKS)
def test_a_link_that_appears_while_serving_is_not_followed_out(link: Callable[[Path, Path], str], live: Live) -> None:
    outside = live.folder.with_name(f"{live.folder.name}-evil")  # a name that begins like the set's
    outside.mkdir()
    try:
        name, what = live.name(), link(live.folder, outside)
        until(lambda: "" not in live.notes())
        assert live.name() == name
        (finding,) = live.fixtures()["findings"]
        assert finding["message"].startswith(f"{live.folder}/{what}")
        assert "leads out of the fixture folder" in finding["message"]
        (live.folder / what.rstrip("/")).unlink()
    finally:
        for path in outside.iterdir():
            path.rename(live.folder / "records" if path.is_dir() else live.folder / STORES)
        outside.rmdir()
    until(lambda: live.notes() == {""})


def test_a_pipe_does_not_make_the_server_wait(live: Live) -> None:
    os.mkfifo(live.folder / "records" / "rewards.json.pipe")
    (live.folder / "records" / "rewards.json").unlink()
    (live.folder / "records" / "rewards.json.pipe").rename(live.folder / "records" / "rewards.json")
    done = live.reload()
    assert [one["message"] for one in done["findings"]] == [f"{live.folder}/records/rewards.json cannot be read: it is no file"]
