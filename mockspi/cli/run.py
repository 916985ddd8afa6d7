"""``mockspi run``: a server for the time of one command."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from mockspi.adminclient import at
from mockspi.cli.options import with_settings
from mockspi.errors import UsageError
from mockspi.settings import SETTINGS

if TYPE_CHECKING:
    from mockspi.testing.serving import Server

#: Settings that this command chooses itself.
_OWN = ("host", "port", "admin_host", "admin_port", "admin_token", "ready_file", "follow", "state", "log_format", "log_calls")
_NOT_FOUND, _NOT_EXECUTABLE, _SIGNAL = 127, 126, 128


@click.command()
@with_settings(*(one.name for one in SETTINGS if one.name not in _OWN))
@click.option("--scenario", "scenarios", metavar="NAME", multiple=True, help="A scenario to put on; may be repeated.")
@click.option("--bundle", metavar="FILE", default="", help="Where to pack what 'mockspi replay' needs, if COMMAND fails.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(config: str, scenarios: tuple[str, ...], bundle: str, command: tuple[str, ...], **given: Any) -> None:
    """Run COMMAND with a mockspi of its own ('mockspi run -- npm test').

    A fresh server on free ports, which keeps nothing. The command finds it through MOCKSPI_BASE_URL, MOCKSPI_API_KEY,
    MOCKSPI_ADMIN_URL and MOCKSPI_ADMIN_TOKEN. If it fails, the journal is printed, and the calls of
    the first api_key are packed where --bundle names a file. Exits as the command does;
    127 where there is no such command, 128 and the signal's number where a signal ended it.
    """
    from mockspi.testing import serving  # only where it is needed: start-up time

    if not shutil.which(command[0]) and not Path(command[0]).exists():
        click.secho(f"mockspi: there is no command {command[0]!r}", fg="red", err=True)
        sys.exit(_NOT_FOUND)
    words = serving.options({name: value for name, value in given.items() if value not in (None, ())})
    words += ["--config", config] if config else []
    with tempfile.TemporaryDirectory(prefix="mockspi-run-") as folder:
        server = serving.start(Path(folder), words)
        try:
            if scenarios:
                server.admin.call("POST", at(server.api_key, "/scenarios"), {"use": list(scenarios)})
            code = ended(command, {**serving.environment(os.environ), **handed(server)})
            if code:
                report(server)
                pack(server, bundle)
        finally:
            serving.stop(server)
    sys.exit(code)


def handed(server: Server) -> dict[str, str]:
    """What the command finds in its environment."""
    return {
        "MOCKSPI_BASE_URL": server.base_url,
        "MOCKSPI_API_KEY": server.api_key,
        "MOCKSPI_ADMIN_URL": server.admin.url,
        "MOCKSPI_ADMIN_TOKEN": server.admin.token,
    }


def ended(command: tuple[str, ...], environ: dict[str, str]) -> int:
    """How a command ended, as a shell would say it."""
    try:
        process = subprocess.Popen(command, env=environ)
    except OSError as error:
        click.secho(f"mockspi: {command[0]!r} cannot be run: {error.strerror}", fg="red", err=True)
        return _NOT_EXECUTABLE
    with passing_on(process):
        code = process.wait()
    return code if code >= 0 else _SIGNAL - code


@contextmanager
def passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """While the command runs, its signals are its own affair; a terminal tells it of Ctrl-C by itself."""

    def pass_on(number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT or not (sys.stdin and sys.stdin.isatty()):
            process.send_signal(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report(server: Server) -> None:
    """What the server was asked, on standard error."""
    from mockspi.testing import telling  # only where it is needed: start-up time

    try:
        places = {one["name"]: at(one["name"], "/journal") for one in server.admin.call("GET", "/sandboxes")["sandboxes"]}
        places["calls whose api_key opened no sandbox"] = "/journal"
        journals = {name: server.admin.call("GET", place, query={"last": telling.MOST}) for name, place in places.items()}
    except UsageError as error:
        click.secho(f"mockspi: the journal cannot be read: {error}", fg="red", err=True)
        return
    asked = {name: found for name, found in journals.items() if found["entries"]}
    for name, found in asked.items():
        click.secho(f"\nmockspi journal of {name}", bold=True, err=True)
        click.echo(telling.table(found["entries"], found["totalCount"]), err=True)
        click.echo(telling.curl(found["entries"][-1], server.base_url), err=True)
    if not asked:
        click.secho("\nmockspi: no call has come", bold=True, err=True)


def pack(server: Server, file: str) -> None:
    """The first sandbox's calls, so that they can be made again."""
    from mockspi.bundle import saved  # only where it is needed: start-up time

    if not file:
        return
    try:
        click.echo(f"\nmockspi: {saved(server.admin.lines(at(server.api_key, '/bundle')), Path(file))}", err=True)
    except UsageError as error:
        click.secho(f"\nmockspi: {error}", fg="red", err=True)
