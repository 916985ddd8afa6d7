"""Which server a command asks: it takes the three options of ``with_admin`` and hands them to ``connect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockspi.adminclient import DEFAULT_URL, AdminClient, Refused, at, connect

__all__ = ["AdminClient", "Function", "Refused", "at", "connect", "with_admin"]
Function = TypeVar("Function", bound=Callable[..., Any])


def with_admin(function: Function) -> Function:
    """The options that say which server is meant; hand them to ``connect``."""
    for flag, metavar, text in (
        (
            "--ready-file",
            "PATH",
            "What 'mockspi serve --ready-file' wrote; holds the address and the token.  [MOCKSPI_READY_FILE]",
        ),
        ("--admin-token", "TOKEN", "The admin token that 'mockspi serve' printed.  [MOCKSPI_ADMIN_TOKEN]"),
        ("--admin-url", "URL", f"Address of the admin port.  [MOCKSPI_ADMIN_URL; default {DEFAULT_URL}]"),
    ):
        function = click.option(flag, metavar=metavar, default="", help=text)(function)
    return function
