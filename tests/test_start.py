"""Starting quickly, and help for everything that can be typed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from conftest import clean_environment, mockspi

from mockspi import __version__
from mockspi.cli import COMMANDS, main

HEAVY = ("flask", "werkzeug", "granian", "marshmallow", "apispec", "sqlite3", "yaml", "platformdirs")
SELDOM = ("marshmallow", "apispec")  #: nor by a server, before something is wrong or a document is asked for


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and subcommand, as the words that call it."""
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))


def imported(statement: str) -> set[str]:
    """The top-level names of all modules that a statement imports."""
    environment = clean_environment({"MOCKSPI_STATE": "memory"})
    unmeasured = {name: value for name, value in environment.items() if not name.startswith("COV")}  # coverage imports a lot
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement], capture_output=True, text=True, check=True, timeout=60,
        env=unmeasured,
    )  # fmt: skip
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines() if "|" in line}


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    found = imported("import mockspi.cli")
    assert {"mockspi", "click"} <= found
    assert not found & set(HEAVY)


def test_a_list_of_all_commands_imports_none_of_them() -> None:
    found = imported("import mockspi.cli, contextlib\nwith contextlib.suppress(SystemExit): mockspi.cli.main(['--help'])")
    assert not found & {"json", "dataclasses", "tomllib", "urllib3", *HEAVY}


def test_importing_the_wsgi_module_does_nothing() -> None:
    assert not imported("import mockspi.wsgi") & set(HEAVY)


def test_a_server_starts_without_what_few_calls_need() -> None:
    found = imported("from mockspi import building; from mockspi.server import launch, rsgi")
    assert {"granian", "sqlite3"} <= found
    assert not found & {*SELDOM, "flask", "urllib3", "watchfiles", "prometheus_client"} - imported("import granian.server")


def test_the_list_of_heavy_modules_is_of_modules_that_the_server_does_import() -> None:
    assert set(HEAVY) - {"yaml", *SELDOM} <= imported("import mockspi.wsgi, mockspi.server.launch; mockspi.wsgi.app")


@pytest.mark.parametrize("words", list(commands(main)), ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    done = mockspi(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    usage, _, rest = done.stdout.partition("\n")
    assert usage.startswith(f"Usage: {' '.join(('python -m mockspi', *words))}")
    first = rest.strip().partition("\n")[0]
    assert first, "no sentence about what the command does"
    assert not first.startswith(("Options", "Commands"))


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    told = {name: " ".join((one.help or "").split("\n\n")[0].split()) for name, one in main.commands.items()}
    assert told == COMMANDS
    assert len(main.commands) == len(told)


def test_every_option_explains_itself() -> None:
    for words in commands(main):
        command: click.Command = main
        for word in words:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        for option in command.params:
            assert not isinstance(option, click.Option) or option.help, f"{' '.join(words)} {option.name}"


def test_the_version_is_told() -> None:
    assert mockspi("--version").stdout == f"mockspi, version {__version__}\n"


@pytest.mark.parametrize("words", [("srve",), ("fixtures", "lnt"), ("serve", "--prot", "1")])
def test_what_nobody_knows_is_refused_without_a_trace(words: tuple[str, ...]) -> None:
    done = mockspi(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "No such" in done.stderr
