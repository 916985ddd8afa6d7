"""A target with what it refers to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from mockspi.errors import UsageError
from mockspi.webhooks.message import Target

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def resolved(target: Target, environ: Mapping[str, str]) -> Target:
    """The target with every ``${NAME}`` looked up; UsageError names the variable that is not there."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in environ:
            raise UsageError(f"the variable {found[1]} is not set, and the target refers to it as ${{{found[1]}}}")
        return environ[found[1]]

    headers = {name: _REFERENCE.sub(value, text) for name, text in target.headers.items()}
    return replace(target, url=_REFERENCE.sub(value, target.url), secret=_REFERENCE.sub(value, target.secret), headers=headers)
