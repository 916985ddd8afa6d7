"""Proof that the tests of docs/security.md guard: each guard is taken out of a copy of the tree, and its test must go red there.

    .venv/bin/python tests/guards.py [WORD ...]

runs those whose class, description or test holds every WORD. Exit 1 where a test stays green, where a patch does not apply any
more, or where the tests are not green to begin with. tests/test_guards.py sees to it that patches apply and the page names all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Guard:
    """``number`` is the class of the incident; without the guard, ``old`` in ``file`` is ``new``, and ``test`` fails."""

    number: int
    what: str
    file: str
    old: str
    new: str
    test: str

    def removed(self, text: str) -> str:
        """The file without the guard."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.what}: the patch does not apply to {self.file} any more ({text.count(self.old)} places)")
        return text.replace(self.old, self.new)


GUARDS = tuple(Guard(**one) for one in tomllib.loads((ROOT / "tests" / "guards.toml").read_text("utf-8"))["guard"])


def main(words: Sequence[str]) -> int:
    """Take out each guard in turn."""
    chosen = [one for one in GUARDS if all(word.lower() in f"class {one.number} {one.what} {one.test}".lower() for word in words)]
    if not chosen:
        print(f"no guard has the words {' '.join(words)}")
        return 1
    failed = []
    with tempfile.TemporaryDirectory(prefix="mockspi-guards-") as name:
        tree = Path(name) / "tree"
        shutil.copytree(
            ROOT, tree, ignore=shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "*.egg-info", "build")
        )
        if run(tree, *sorted({one.test for one in chosen})):
            print("these tests are not green to begin with")
            return 1
        for one in chosen:
            file = tree / one.file
            whole = file.read_text("utf-8")
            try:
                file.write_text(one.removed(whole), "utf-8")
                red = run(tree, one.test) == 1  # 1: tests ran and some failed
            finally:
                file.write_text(whole, "utf-8")
            print(f"{'red  ' if red else 'GREEN'}  class {one.number}: {one.what:45} {one.test}", flush=True)
            failed += [] if red else [one]
    print(f"{len(chosen) - len(failed)} of {len(chosen)} tests go red when their guard is gone")
    return 1 if failed else 0


def run(tree: Path, *tests: str) -> int:
    """pytest's exit code for these tests of a tree; for ever is failed too."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *(f"tests/{one}" for one in tests)]
    process = subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        told = process.communicate(timeout=300 if len(tests) == 1 else 1800)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return 1
    if process.returncode not in (0, 1) or (len(tests) > 1 and process.returncode):
        print(told[-3000:])
    return process.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
