"""Settings as command line options, made from the one table of settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockspi.settings import SETTINGS, Settings, load, strange_variables

_RULED = 40  #: letters of the line under a heading that runs free

Function = TypeVar("Function", bound=Callable[..., Any])


def with_settings(*names: str) -> Callable[[Function], Function]:
    """Options for these settings (all where none is named), and --config for the file."""
    chosen = [one for one in SETTINGS if not names or one.name in names]

    def decorate(function: Function) -> Function:
        for one in reversed(chosen):
            shown = (
                ", ".join(one.default) if one.many else str(one.default).lower() if one.default in (True, False) else one.default
            )
            text = f"{one.about}  [{one.variable}{f'; default {shown}' if shown != '' else ''}]"
            function = click.option(one.flag, one.name, metavar=one.metavar, multiple=one.many, help=text)(function)
        return click.option("--config", metavar="FILE", default="", help="Settings file; mockspi.toml here unless given.")(
            function
        )

    return decorate


def chosen(config: str, given: dict[str, Any]) -> Settings:
    """The settings behind a command's options; a variable that is none of ours but looks like one gets a warning."""
    for sentence in strange_variables(os.environ):
        click.secho(f"mockspi: {sentence}", fg="yellow", err=True)
    return load(given, file=config)


def table(rows: list[list[str]], heading: list[str]) -> str:
    """Columns as wide as they must be; the last one runs free, and its line no further than most terminals go."""
    widths = [max(len(row[index]) for row in [heading, *rows]) for index in range(len(heading))]
    ruled = ["-" * width for width in (*widths[:-1], min(widths[-1], _RULED))]
    lines = [
        "  ".join(
            cell if index == len(row) - 1 else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [heading, ruled, *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)
