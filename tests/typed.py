"""The command line in this process: for tests that type many commands, each of which would cost the start of a process."""

from __future__ import annotations

import os
import subprocess

from click.testing import CliRunner

from mockspi.cli import main


def typed(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What ``mockspi(*words)`` gives."""
    clean = {name: None for name in os.environ if name.startswith("MOCKSPI_")}
    done = CliRunner().invoke(main, words, prog_name="mockspi", env={**clean, **(env or {})})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(words, done.exit_code, done.stdout, done.stderr)
