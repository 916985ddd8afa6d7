"""The sample project: ten tests that share one server, and one that fails on purpose."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from conftest import PLUGINS, ROOT, clean_environment

FOLDER = ROOT / "tests" / "examples"


def example(*words: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """pytest in the sample project, as its developer runs it."""
    command = [sys.executable, "-m", "pytest", *PLUGINS, "-p", "no:cacheprovider", *words]
    kept = {name: value for name, value in clean_environment().items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, timeout=300, check=False)


def test_the_ten_tests_of_the_sample_project_share_one_server(tmp_path: Path) -> None:
    done = example("-n", "4", "--basetemp", str(tmp_path / "run"), "-o", "tmp_path_retention_policy=all")
    assert done.returncode == 0, done.stdout
    assert "10 passed" in done.stdout
    assert len(list((tmp_path / "run").rglob("server.log"))) == 1


def test_a_broken_test_shows_what_came_closest_the_journal_and_the_last_call() -> None:
    done = example("broken_on_purpose.py")
    assert done.returncode == 1
    told = done.stdout
    assert 'AssertionError: expected exactly 1 call of GET_CUSTOMER with customerId = "C-1001"; there was none' in told
    assert re.search(r'#1 GET_CUSTOMER\nE +path/customerId: expected "C-1001", got "C-1002"', told)
    assert re.search(r"- mockspi journal of test-the-right-customer-is-looked-up-\w+ -", told)
    assert re.search(r"\n1 +200 +GET_CUSTOMER +GET /spi/1.0/sa/customers/C-1002 +[\d.]+\n2 +200 +CART_VALIDATION +POST ", told)
    (last,) = re.findall(r"\ncurl .*", told)
    assert "/sa/cartValidation?api_key=$MOCKSPI_API_KEY" in last
    assert '"cartId": "CART-1"' in last
