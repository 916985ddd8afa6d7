"""How long it takes until mockspi answers, and until it has said how it is used."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from calls import KEY
from loading import SERVER_CORE, first_answer, free_port

HERE = Path(__file__).parent
CALL = f"/spi/1.0/sa/customers/C-1001?api_key={KEY}"


def starts(rounds: int, fixtures: Path | None = None) -> dict[str, list[float]]:
    """Seconds from process start to the first answered call, mockspi and a bare Flask application under Granian in turn."""
    found: dict[str, list[float]] = {"bare": [], "mockspi": []}
    with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as state:
        for turn in range(rounds + 1):  # the first compiles the set, and byte code
            for name, seconds in (("bare", bare()), ("mockspi", mockspi(state, fixtures))):
                if turn:
                    found[name].append(seconds)
    return found


def bare() -> float:
    """Seconds of one start of the Flask application."""
    port = free_port()
    words = ("--interface", "wsgi", "--port", str(port), "--workers", "1", "--no-log", "bare:app")
    return first_answer([*SERVER_CORE, sys.executable, "-m", "granian", *words], f"http://127.0.0.1:{port}{CALL}", cwd=HERE)


def mockspi(state: str, fixtures: Path | None = None) -> float:
    """Seconds of one start of mockspi."""
    port = free_port()
    words = ["--port", str(port), "--admin-port", "0", "--state", state, *(("--fixtures", str(fixtures)) if fixtures else ())]
    return first_answer(
        [*SERVER_CORE, sys.executable, "-m", "mockspi", "serve", *words], f"http://127.0.0.1:{port}{CALL}", cwd=Path(state).parent
    )


def helps(rounds: int) -> dict[str, list[float]]:
    """Seconds of ``mockspi --help`` and of importing click, in turn."""
    commands = {
        "import click": [sys.executable, "-c", "import click"],
        "mockspi --help": [str(Path(sys.executable).with_name("mockspi")), "--help"],
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run([*SERVER_CORE, *command], stdout=subprocess.DEVNULL, check=True)
            if turn:
                found[name].append(time.perf_counter() - begun)
    return found
