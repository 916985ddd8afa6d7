"""The command line: each command parses, calls one function, prints. Exit 0 well, 1 findings, 2 could not run."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import click

from mockspi import __version__
from mockspi.errors import BrokenSet, Failure, UsageError

#: Every command with its own first sentence, so that a list of all imports none.
COMMANDS = {
    "serve": "Serve every SPI from a fixture set, until Ctrl-C.",
    "run": "Run COMMAND with a mockspi of its own ('mockspi run -- npm test').",
    "init": "Copy the sample fixture set into FOLDER, to make it your own.",
    "fixtures": "Check, compare and format fixture sets, or write the current records back as one.",
    "contracts": "List the endpoints, or show the one called NAME with its examples.",
    "connector": "Check a connectors file, see what is in it, and try out what it names.",
    "events": "List the events that can be sent and received, or show the one called NAME with its examples.",
    "openapi": "Print the OpenAPI 3.1 document of every SPI, with the sample set's examples.",
    "scenario": "Named sets of rules: see them, put them on in a sandbox, take them off.",
    "magic": "Values that make a call fail in every sandbox, with nothing set up; of one CONTRACT, or all.",
    "settings": "Show every setting and where its value came from. api_keys and the admin token are masked.",
    "state": "See or drop what calls have changed. The fixture files are never touched.",
    "sandbox": "Make, reset and delete sandboxes of a running server, and set their clocks.",
    "journal": "See what was called and what was answered.",
    "received": "Say which events were received and what came of them; exit 1 where one was refused or waits.",
    "replay": "Make the calls of a bundle again, in order, and tell the first that is answered otherwise; then exit 1.",
    "invariants": "Say which rules hold, and the records that break one; exit 1 where there are such.",
    "loyalty": "Show what a CUSTOMER has earned and spent, oldest first, with the balance after each entry.",
    "webhook": "Send events to a webhook, see what came of it, and send again what failed.",
}


#: Modules that are not named as what they make; strict is one of the journal's own commands.
_MODULES = {"init": "fixtures", "magic": "scenario", "journal": "strict"}


class Imported(Mapping[str, click.Command]):
    """The commands by name; the module of each is imported when it is asked for."""

    def __getitem__(self, name: str) -> click.Command:
        """One command."""
        if name not in COMMANDS:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"mockspi.cli.{_MODULES.get(name, name)}"), name)
        return command

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(COMMANDS)

    def __len__(self) -> int:
        """How many there are."""
        return len(COMMANDS)


class Commands(click.Group):
    """The group that turns a UsageError, a Failure or a BrokenSet into sentences and exit code 2."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of all commands, as click writes it."""
        said = {name: click.Command(name, help=sentence) for name, sentence in COMMANDS.items()}
        click.Group("mockspi", commands=said).format_commands(ctx, formatter)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            from mockspi.masking import printable  # heavy: only where it is needed

            click.secho("\n".join(map(printable, f"mockspi: {error}".split("\n"))), fg="red", err=True)
            sys.exit(2)
        except Failure as failure:
            from mockspi.admin.telling import sentence  # heavy: only where it is needed

            click.secho(f"mockspi: {sentence(failure)}", fg="red", err=True)
            sys.exit(2)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            where = f" for {error.filename2 or error.filename}" if error.filename else ""
            click.secho(
                f"mockspi: there is no room on the disk{where}; free some of it, or name another folder", fg="red", err=True
            )
            sys.exit(2)
        except BrokenSet as broken:
            for finding in broken.findings:
                click.echo(f"{broken.folder}/{finding}", err=True)
            from mockspi.fixtures.reading import advice  # heavy: only where it is needed

            if hint := advice(broken.findings):
                click.echo(hint, err=True)
            many = len(broken.findings)
            click.secho(f"mockspi: {broken.folder} is not served: {many} finding{'s' * (many != 1)} (above)", fg="red", err=True)
            sys.exit(2)


@click.group(
    cls=Commands,
    commands=Imported(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mockspi")
def main() -> None:
    """The merchant's side of Salesforce Retail Cloud (Point of Sale), ready to run.

    Start with 'mockspi serve', then paste one of the curl lines that it prints.
    """
