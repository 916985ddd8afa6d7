"""``mockspi webhook`` and ``received``: what was typed wrongly is told in words that help, and what was sent is counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import serving, until
from hooked import receiving
from test_connector_faults import STEERING
from test_reposting import Shop
from test_webhook_cli import Desk
from typed import typed


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", STEERING), "the URL has control characters, such as a line break, in it"),
        (("--to", "http://127.0.0.1:99999/x"), "the URL's port is 99999: 1 to 65535 is expected"),
        (("--to", "http://127.0.0.1:x/"), "the URL cannot be read: "),
        (("--trouble", "delay:abc"), "--trouble delay:abc: delay:SECONDS is expected, such as delay:60"),
        (("--header", "X-Key: a\nb"), "the header 'X-Key' cannot be sent: its value has letters that HTTP forbids"),
        (("--header", "X\nKey: a"), r"the header 'X\nKey' cannot be sent: its name has letters that HTTP forbids"),
        (("--data", "-"), "--data - is empty: a JSON object is expected"),
    ],
)
def test_what_is_wrong_with_a_webhook_is_told_with_what_is_expected(words: tuple[str, ...], told: str, desk: Desk) -> None:
    with receiving() as target:
        done = desk.run("send", "VOID_CART", "--to", target.hook, *words)
        assert (done.returncode, done.stdout, told in done.stderr) == (2, "", True), done.stderr
        assert target.came == []


def test_a_state_folder_that_is_not_there_is_told_and_not_made(desk: Desk, tmp_path: Path) -> None:
    for words in (("list",), ("show", "x"), ("repost", "x"), ("resume",)):
        done = desk.run(*words)
        assert (done.returncode, done.stdout, str(desk.state) in done.stderr) == (2, "", True)
    assert not desk.state.exists()
    assert typed("webhook", "list", env={"XDG_STATE_HOME": str(tmp_path)}).stdout == "nothing was sent yet\n"
    assert desk.run("repost", "--failed", "x").returncode == 2
    desk.state.mkdir()
    both, neither = desk.run("repost", "--failed", "x"), desk.run("repost")
    assert (both.returncode, neither.returncode) == (2, 2)
    assert "name the webhooks to be sent again or say --failed, not both" in both.stderr
    assert "or say --failed for all that have failed" in neither.stderr


def test_the_nearest_connector_is_suggested(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with serving(tmp_path, "--state", str(state)) as server, receiving((500, {})) as target:
        Shop(server, apiEndpoint=target.hook).sold()
        told = typed("received", "--sandbox", "nope", "--admin-url", server.admin_url, "--admin-token", server.token)
        assert (told.returncode, "'mockspi sandbox list'" in told.stderr) == (2, True)
    desk = Desk(state)
    asked = [
        ("list", "--failed", "--endpoint", "ORDR"),
        ("list", "--endpoint", "zzz"),
        ("list", "--endpoint", "ORDER", "--store", "x"),
    ]
    answers = [desk.run(*words).stdout for words in asked]
    nothing = "nothing of this kind was sent"
    assert answers == [f"{nothing}; did you mean 'ORDER'?\n", f"{nothing}\n", f"{nothing}\n"]
    assert desk.run("repost", "--failed", "--endpoint", "ORDR").stdout.endswith("; did you mean 'ORDER'?\n")


def test_resume_counts_a_duplicate_as_the_attempt_that_it_is(desk: Desk) -> None:
    counted: list[int] = []

    def resumed() -> bool:
        counted.append(int(desk.run("resume").stdout.splitlines()[-1].split(" attempt")[0]))
        return len(target.came) == 3

    with receiving() as target:
        for trouble in ("duplicate,delay:1", "delay:1"):
            assert desk.run("send", "VOID_CART", "--to", target.hook, "--trouble", trouble).returncode == 1
        until(resumed)
        assert (sum(counted), desk.run("resume").stdout) == (3, "0 attempts; 0 still wait\n")
