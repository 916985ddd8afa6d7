"""``mockspi journal strict``: whether any call came that nothing covers."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mockspi.cli.adminclient import connect, with_admin
from mockspi.cli.journal import journal, place
from mockspi.errors import UsageError
from mockspi.exchange import Json
from mockspi.masking import printable


@journal.command()
@click.option("--expect", metavar="FILE", default="", help="JSON list of expected calls as verify takes them; no other may come.")
@click.option("--junit", metavar="FILE", default="", help="Also write a JUnit report.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--sandbox", metavar="NAME", default="", help="Whose calls, by name or api_key; the only one unless given.")
@with_admin
def strict(expect: str, junit: str, as_json: bool, sandbox: str, **admin: str) -> None:
    """Whether every call was covered by a contract, and by an expectation where a FILE names some; else exit 1."""
    client = connect(**admin)
    path = place(client, {"refused": False, "sandbox": sandbox}).removesuffix("/journal") + "/strict"
    answer = client.call("POST", path, {"expect": expected(expect)} if expect else {})
    failures = list(told(answer))
    if junit:
        write(Path(junit), answer["calls"], failures)
    if as_json:
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for title, text in failures:
            click.echo(f"{click.style(title, fg='red')}: {text}")
        click.echo(
            f"{answer['calls']} calls, {answer['uncoveredCount']} not covered, {len(answer['unmet'])} expectations not met"
        )
        if stray := answer.get("unauthorized"):
            click.echo(f"calls with an api_key that opens no sandbox: {stray} (mockspi journal tail --refused)", err=True)
    sys.exit(0 if answer["ok"] else 1)


def expected(file: str) -> Any:
    """What a file holds."""
    try:
        return json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--expect {file} cannot be read as JSON: {getattr(error, 'strerror', None) or error}") from error


def told(answer: Json) -> Iterator[tuple[str, str]]:
    """Each failure: its title and its text."""
    for one in answer["uncovered"]:
        name = one["contract"] or "no contract"
        details = [f"{error.get('path') or '/'}: {error.get('message')}" for error in one.get("errors", ())]
        details += [_difference(difference) for difference in one.get("differences", ())]
        text = "; ".join([f"{one['method']} {one['path']} ({one['status']}): {one['why']}", *details])
        yield f"#{one['number']} {name}", printable(text)
    for one in answer["unmet"]:
        near = [
            f"#{miss['number']} {', '.join(_difference(difference) for difference in miss['differences'])}"
            for miss in one.get("nearMisses", ())
        ]
        yield f"expectation {one['expect']} {one['contract']}", printable("; ".join([f"{one['count']} calls matched", *near]))


def _difference(one: Json) -> str:
    got = json.dumps(one["got"], ensure_ascii=False) if "got" in one else "nothing"
    return f"{one['path']} expected {json.dumps(one.get('expected'), ensure_ascii=False)}, got {got}"


def write(file: Path, calls: int, failures: list[tuple[str, str]]) -> None:
    """A JUnit report: one case that passes, or one that fails for each failure."""
    from xml.sax.saxutils import quoteattr  # only where it is wanted: start-up time

    cases = [
        f'  <testcase classname="mockspi.strict" name={quoteattr(title)}><failure message={quoteattr(text)}/></testcase>'
        for title, text in failures
    ] or [f'  <testcase classname="mockspi.strict" name="{calls} calls are covered"/>']
    head = f'<testsuite name="mockspi strict" tests="{len(cases)}" failures="{len(failures)}">'
    try:
        file.write_text("\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>", ""]), "utf-8")
    except OSError as error:
        raise UsageError(f"--junit {file} cannot be written: {error.strerror}") from error
