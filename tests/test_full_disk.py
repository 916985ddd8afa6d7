"""The disk that holds the state is full, really: who calls is told, nobody dies, and all goes on once there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Server, mockspi, serving

TMPFS = ("mount", "-t", "tmpfs", "-o", "size=8m", "mockspi-test")
CUSTOMER = {"profile": {"firstName": "Kestrel", "lastName": "Full"}}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, where this machine lets us have one."""
    place = tmp_path / "disk"
    place.mkdir()
    try:
        made = subprocess.run([*TMPFS, str(place)], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("a disk of eight megabytes takes a user who may mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left: int = 0) -> None:
    """Leave so many bytes free."""
    with (disk / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(file.tell() - left)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_full_disk_is_told_and_kills_nobody(disk: Path, tmp_path: Path, workers: str) -> None:
    with serving(tmp_path, "--state", str(disk / "state"), "--workers", workers) as server:
        keys = [server.minted() for _ in range(12)]
        assert statuses(server, keys) == {("POST", 200), ("GET", 200), ("reset", 200), ("new", 201)}
        seen = set()
        for left in (0, 16_384, 65_536, 0):
            fill(disk, left)
            seen |= statuses(server, keys)
        assert {("POST", 507), ("GET", 200), ("reset", 507), ("new", 507)} <= seen
        assert {status for _, status in seen} <= {200, 201, 507}
        told = server.call("POST", "/sa/customers", json=CUSTOMER).json()
        assert (told["errorCode"], "disk" in told["errorMessage"]) == ("STORE_FULL", True)
        sent = mockspi("webhook", "send", "ORDER", "--to", "http://127.0.0.1:9/", "--state", str(disk / "state"), cwd=tmp_path)
        assert (sent.returncode, sent.stderr.count("\n"), "is full" in sent.stderr) == (2, 1, True)
        (disk / "filler").unlink()
        assert statuses(server, keys) == {("POST", 200), ("GET", 200), ("reset", 200), ("new", 201)}
        server.call("GET", "/sa/customers/C-1002")
        entries = server.admin("GET", "/sandboxes/staging/journal").json()["entries"]
        assert entries[-1]["path"].endswith("/C-1002")
        log = server.log.read_text()
        assert "missing in the journal: STORE_FULL (" in log
        assert "Traceback" not in log
        assert "exit" not in log


def statuses(server: Server, keys: list[str]) -> set[tuple[str, int]]:
    """What sandboxes are told: those who write and read, and who resets them or makes another."""
    found = set()
    for key in [*keys, server.key]:
        found |= {
            ("POST", server.call("POST", "/sa/customers", key, json=CUSTOMER).status_code),
            ("GET", server.call("GET", "/sa/customers/C-1001", key).status_code),
            ("reset", server.admin("POST", f"/sandboxes/{key}/reset", {}).status_code),
            ("new", server.admin("POST", "/sandboxes", {}).status_code),
        }
    return found


def test_a_disk_that_is_full_already_is_one_sentence(disk: Path, tmp_path: Path) -> None:
    fill(disk, 1_000_000)
    done = mockspi("serve", "--port", "0", "--state", str(disk / "state"), cwd=tmp_path)
    said = [line for line in done.stderr.splitlines() if "reading the fixture set" not in line]
    assert (done.returncode, done.stdout, len(said)) == (2, "", 1)
    assert said[0].startswith("mockspi: ")
    assert f"are free on the disk of {disk}/state" in said[0]
    assert "--state" in said[0]


def test_what_is_mapped_has_its_room(tmp_path: Path) -> None:
    """Else a disk that fills up later kills who writes there."""
    with serving(tmp_path, "--state", str(tmp_path / "state")) as server:
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200
        mapped = [tmp_path / "state/stamps", *(tmp_path / "state").glob("metrics/*/*")]
        assert {one.suffix for one in mapped} == {"", ".counts", ".pending"}
        assert [one.name for one in mapped if one.stat().st_blocks * 512 < one.stat().st_size] == []
