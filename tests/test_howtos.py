"""The how-tos for test suites and CI: every snippet is run as it stands, where its tool is there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from conftest import PLUGINS, ROOT, clean_environment, mockspi, serving

from mockspi.cli import main

#: Jest's globals as far as the snippet uses them, on Node's own test runner.
JEST = """
const assert = require("node:assert/strict");
const { test, beforeEach, afterEach } = require("node:test");
const expect = got => ({ toBe: wanted => assert.equal(got, wanted), toEqual: wanted => assert.deepEqual(got, wanted) });
Object.assign(globalThis, { test, beforeEach, afterEach, expect });
"""
LAUNCHER = """
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.*;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

class Launch {
    public static void main(String[] names) {
        var listener = new SummaryGeneratingListener();
        var request = LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(names[0])).build();
        LauncherFactory.create().execute(request, listener);
        listener.getSummary().printFailuresTo(new java.io.PrintWriter(System.out, true));
        System.exit(listener.getSummary().getTestsSucceededCount() == 1 ? 0 : 1);
    }
}
"""


def snippets(page: str) -> dict[str, str]:
    """The named snippets of a page."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def written(folder: Path, page: str, *names: str) -> None:
    found = snippets(page)
    for name in names:
        (folder / name).write_text(found[name], "utf-8")


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    env = clean_environment({"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"})
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_pytest_snippets_pass(tmp_path: Path) -> None:
    written(tmp_path, "testing.md", "test_customers.py", "test_bridge.py")
    done = ran(tmp_path, sys.executable, "-m", "pytest", *PLUGINS, "--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    assert "5 passed" in done.stdout, done.stdout


def test_the_unittest_snippet_passes(tmp_path: Path) -> None:
    written(tmp_path, "testing.md", "test_till.py")
    done = ran(tmp_path, sys.executable, "-m", "unittest", "-v")
    assert "Ran 1 test" in done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")
@pytest.mark.parametrize("broken", [False, True])
def test_the_jest_snippet_passes_and_can_fail(broken: bool, tmp_path: Path) -> None:
    written(tmp_path, "testing.md", "customers.test.js")
    (tmp_path / "jest.cjs").write_text(JEST)
    if broken:
        path = tmp_path / "customers.test.js"
        path.write_text(path.read_text("utf-8").replace("exactly: 2", "exactly: 3"), "utf-8")
    done = ran(tmp_path, "mockspi", "run", "--", "node", "--require", "./jest.cjs", "customers.test.js")
    assert done.returncode == (1 if broken else 0), done.stdout + done.stderr
    assert f"# pass {0 if broken else 1}" in done.stdout or f"ℹ pass {0 if broken else 1}" in done.stdout, done.stdout


def junit() -> list[str]:
    """The jars of one version of JUnit 5, from Maven's local repository."""
    home = Path.home() / ".m2" / "repository" / "org"
    for jar in sorted(home.glob("junit/jupiter/junit-jupiter-engine/5.*/*.jar")):
        version = jar.parent.name
        platform = f"1{version[1:]}"
        parts = [(f"junit/jupiter/junit-jupiter-{part}", version) for part in ("api", "engine")]
        parts += [(f"junit/platform/junit-platform-{part}", platform) for part in ("commons", "engine", "launcher")]
        parts += [("opentest4j/opentest4j", "1.3.0"), ("apiguardian/apiguardian-api", "1.1.2")]
        found = [path for name, one in parts for path in (home / name / one).glob(f"*-{one}.jar")]
        if len(found) == len(parts):
            return [str(path) for path in found]
    return []


@pytest.mark.skipif(not shutil.which("javac"), reason="there is no JDK here")
def test_the_junit_snippet_passes(tmp_path: Path) -> None:
    jars = junit()
    if not jars:
        pytest.skip("Maven's local repository holds no whole JUnit 5")
    written(tmp_path, "testing.md", "CustomersTest.java")
    (tmp_path / "Launch.java").write_text(LAUNCHER)
    classes = os.pathsep.join([*jars, "."])
    compiled = ran(tmp_path, "javac", "-encoding", "UTF-8", "-cp", classes, "CustomersTest.java", "Launch.java")
    assert compiled.returncode == 0, compiled.stderr
    done = ran(tmp_path, "mockspi", "run", "--", "java", "-cp", classes, "Launch", "CustomersTest")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("bash") or not shutil.which("curl"), reason="there is no bash or curl here")
def test_the_shell_snippet_calls_a_server_that_it_started(tmp_path: Path) -> None:
    done = ran(tmp_path, "bash", "-m", "-c", snippets("ci.md")["ready.sh"])
    assert '"customerId":"C-1001"' in done.stdout, done.stderr


# --- what is written for machines that are not here


def documents() -> dict[str, Any]:
    found = {name: yaml.safe_load(text) for name, text in snippets("ci.md").items() if name.endswith((".yml", ".yaml"))}
    assert set(found) == {".github/workflows/test.yml", ".gitlab-ci.yml", "compose.yaml"}
    return found


def steps() -> list[str]:
    """Every shell line of the jobs."""
    found = documents()
    github = [one["run"] for one in found[".github/workflows/test.yml"]["jobs"]["test"]["steps"] if "run" in one]
    return [*github, *found[".gitlab-ci.yml"]["test"]["script"]]


def test_every_step_of_a_job_does_something() -> None:
    job = documents()[".github/workflows/test.yml"]
    assert job[True] == ["push"], "YAML reads on as true; GitHub does not mind"
    for step in job["jobs"]["test"]["steps"]:
        assert ("run" in step) is not ("uses" in step)
        assert not step.get("uses") or re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"])
    for name in ("artifacts", "image"):
        assert documents()[".gitlab-ci.yml"]["test"][name]


def test_every_command_of_the_jobs_is_known() -> None:
    for line in (line for line in steps() if line.startswith("mockspi ")):
        command: click.Command = main
        words = shlex.split(line)[1:]
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        with click.Context(command) as context:
            command.parse_args(context, words)
    known = mockspi("--help").stdout
    assert "run " in known


def test_every_option_of_the_plugin_in_the_jobs_is_known(tmp_path: Path) -> None:
    told = ran(tmp_path, sys.executable, "-m", "pytest", *PLUGINS, "--help").stdout
    options = {option for line in steps() for option in re.findall(r"--mockspi-[\w-]+", line)}
    assert options
    page = (ROOT / "docs/testing.md").read_text("utf-8")
    for option in options | set(re.findall(r"`(--mockspi-[\w-]+)", page)):
        assert option in told
    for name in re.findall(r"`(mockspi_(?:fixtures|admin_url|url))`", page):
        assert f"{name} (string)" in told


def test_the_compose_service_and_the_image_start_and_become_healthy(tmp_path: Path) -> None:
    service = documents()["compose.yaml"]["services"]["mockspi"]
    image = (ROOT / "Dockerfile").read_text("utf-8")
    words = json.loads(re.findall(r"^CMD (\[.*\])$", image, re.MULTILINE)[0])
    probe = json.loads(re.findall(r"^ +CMD (\[.*\])$", image, re.MULTILINE)[0])
    assert ["CMD", *probe] == service["healthcheck"]["test"]
    assert image.index("USER mockspi") < image.index("ENTRYPOINT"), "not as root"
    assert words.pop(0) == "serve"
    assert mockspi("init", "fixtures", cwd=tmp_path).returncode == 0
    env = {**service["environment"], "MOCKSPI_FIXTURES": str(tmp_path / "fixtures")}
    with serving(tmp_path, *words, env=env) as server:
        python, flag, code = probe
        code = code.replace("http://127.0.0.1:8081", server.admin_url)
        assert ran(tmp_path, python, flag, code).returncode == 0
        client = documents()["compose.yaml"]["services"]["tests"]["environment"]
        assert client["MOCKSPI_ADMIN_TOKEN"] == server.token
        host = {"Host": client["MOCKSPI_ADMIN_URL"].removeprefix("http://")}
        assert server.admin("GET", "/sandboxes", headers=host).status_code == 200
    refused = mockspi("serve", *words, cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), "without a key and a token of one's own it does not start"
