"""The command line: each command parses, calls one function, prints. Exit 0 well, 1 findings, 2 could not run."""

from __future__ import annotations

import sys
from typing import Any

import click

from mockspi import __version__
from mockspi.cli import (
    connector,
    contracts,
    events,
    fixtures,
    invariants,
    journal,
    loyalty,
    openapi,
    received,
    replay,
    run,
    sandbox,
    scenario,
    serve,
    settings,
    state,
    strict,
    webhook,
)
from mockspi.errors import BrokenSet, UsageError
from mockspi.masking import printable


class Commands(click.Group):
    """The group that turns a UsageError or a BrokenSet into sentences and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was chosen."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            click.secho("\n".join(map(printable, f"mockspi: {error}".split("\n"))), fg="red", err=True)
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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockspi")
def main() -> None:
    """The merchant's side of Salesforce Retail Cloud (Point of Sale), ready to run.

    Start with 'mockspi serve', then paste one of the curl lines that it prints.
    """


for command in (
    serve.serve,
    run.run,
    fixtures.init,
    fixtures.fixtures,
    contracts.contracts,
    connector.connector,
    events.events,
    openapi.openapi,
    scenario.scenario,
    scenario.magic,
    settings.settings,
    state.state,
    sandbox.sandbox,
    journal.journal,
    received.received,
    replay.replay,
    invariants.invariants,
    loyalty.loyalty,
    webhook.webhook,
):
    main.add_command(command)
journal.journal.add_command(strict.strict)
