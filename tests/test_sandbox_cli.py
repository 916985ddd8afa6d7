"""``mockspi sandbox``: everything that the admin port does with sandboxes, from a shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Server, mockspi, serving
from sandboxes import NOON, create, has


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("shell"), "--workers", "2") as one:
        yield one


def run(server: Server, *words: str, code: int = 0) -> str:
    """A command of ``mockspi sandbox`` against a server."""
    done = mockspi("sandbox", *words, env={"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token})
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_the_command_line_does_all_of_it(house: Server) -> None:
    words = ("--seed", "s", "--freeze", "2027-01-15T08:00:00Z", "--ttl", "1h", "--quota", "500/1m", "--locale", "de")
    key = run(house, "create", "shell", *words).strip()
    create(house, key)
    assert "shell" in run(house, "list")
    shown = json.loads(run(house, "show", "shell", "--json"))
    assert (shown["clock"]["kind"], shown["clock"]["now"], shown["api_key"]) == ("frozen", NOON, key)
    assert (shown["quota"], shown["locale"]) == ({"limit": 500, "window": 60_000}, "de")
    assert "2027-01-15T08:00:00.000Z" in run(house, "show", key)
    assert "500 calls in 60000 ms" in run(house, "show", key)
    assert run(house, "clock", "shell", "--advance", "15m").startswith("2027-01-15T08:15:00.000Z")
    assert "1 changed record" in run(house, "snapshot", "shell", "from-the-shell")
    assert run(house, "reset", "shell", "records") == "shell: records reset\n"
    assert not has(house, key)
    run(house, "restore", "shell", "from-the-shell")
    assert has(house, key)
    assert has(house, run(house, "create", "--from", "from-the-shell").strip())
    assert run(house, "delete", "shell") == "shell deleted\n"
    assert "No sandbox has the name or api_key 'shell'" in run(house, "show", "shell", code=2)


def test_the_command_line_finds_the_server_in_its_ready_file(house: Server, tmp_path: Path) -> None:
    ready = house.log.parent / "ready.json"
    assert (ready.stat().st_mode & 0o777) == 0o600, "it holds the admin token"
    done = mockspi("sandbox", "list", "--ready-file", str(ready), "--json")
    assert json.loads(done.stdout)[0]["name"] == "staging"
    assert mockspi("sandbox", "list", env={"MOCKSPI_READY_FILE": str(ready)}).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list",), "the admin token is missing"),
        (("list", "--admin-token", "t", "--admin-url", "http://127.0.0.1:1"), "no admin port answers at http://127.0.0.1:1"),
        (("list", "--admin-token", "t", "--admin-url", "file:///etc/passwd"), "an address such as"),
        (("list", "--ready-file", "nowhere.json"), "the ready file nowhere.json cannot be used"),
        (("clock", "x", "--advance", "soon", "--admin-token", "t"), "'soon' is no time"),
        (("clock", "x", "--freeze", "noon", "--admin-token", "t"), "'noon' is no moment"),
        (("create", "--quota", "many", "--admin-token", "t"), "--quota is 'many': calls and a time are expected"),
        (("create", "--quota", "5/soon", "--admin-token", "t"), "'soon' is no time"),
        (("clock", "x", "--scale", "fast", "--admin-token", "t"), "--scale is 'fast'"),
    ],
)
def test_what_the_command_line_cannot_do_is_one_sentence(words: tuple[str, ...], said: str) -> None:
    done = mockspi("sandbox", *words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert said in done.stderr
