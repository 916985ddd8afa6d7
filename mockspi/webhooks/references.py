"""A target with what it refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mockspi.connectors import references
from mockspi.webhooks.message import Target


def resolved(target: Target, environ: Mapping[str, str]) -> Target:
    """The target with every ``${NAME}`` looked up; UsageError names the variable that is not there, and what refers to it."""
    of = f" of the connector {target.endpoint}" if target.endpoint else ""

    def found(text: str, what: str) -> str:
        return references.resolved(text, environ, f"the {what}{of}")

    headers = {name: found(text, f"header {name}") for name, text in target.headers.items()}
    return replace(target, url=found(target.url, "URL"), secret=found(target.secret, "secret"), headers=headers)
