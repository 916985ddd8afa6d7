"""The benchmarks run without an error; what they measure is judged by nobody here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, clean_environment

CALLS = ["hot", "tax", "create", "unauthorized"]
able = pytest.mark.skipif(
    shutil.which("wrk") is None or (os.cpu_count() or 1) < 2 or sys.platform != "linux",
    reason="the benchmarks need wrk, two cores and Linux",
)


@able
def test_every_kind_of_call_is_answered_under_load(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    words = ("--smoke", "--rounds", "1", "--customers", "50", "--only", ",".join(CALLS), "--json", str(told))
    done = subprocess.run(
        [sys.executable, "benchmarks/bench.py", *words],
        cwd=ROOT,
        env=clean_environment({"MOCKSPI_BENCH": str(tmp_path / "sets")}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(told.read_text("utf-8"))["calls"]
    assert list(found) == CALLS
    assert all(load["rate"] > 0 for sides in found.values() for loads in sides.values() for load in loads)
