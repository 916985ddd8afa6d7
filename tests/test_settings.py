"""Settings: four layers, where each value came from, and what is said when one cannot be used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import mockspi

from mockspi.settings import SETTINGS, Setting

#: For each setting: what the file, the environment and the flag say; all differ from the default and from each other.
SAID: dict[str, tuple[Any, str, str]] = {
    "host": ("127.0.0.2", "127.0.0.3", "localhost"),
    "port": (8101, "8102", "8103"),
    "admin_host": ("127.0.0.2", "127.0.0.3", "localhost"),
    "admin_port": (8104, "8105", "8106"),
    "max_sandboxes": (11, "12", "13"),
    "auto_sandbox": ("file-", "environment-", "flag-"),
    "fixtures": ("from-file", "from-environment", "from-flag"),
    "fixture_set": (["file=from-file"], "environment=from-environment", "flag=from-flag"),
    "reload": (False, "true", "false"),
    "api_key": (["file=key-of-the-file"], "environment=key-of-the-environment", "flag=key-of-the-flag"),
    "api_version": (["2.0"], "3.0", "4.0"),
    "base_path": ("/file", "/environment", "/flag"),
    "connectors": ("file.json", "environment.json", "flag.json"),
    "state": ("file", "environment", "flag"),
    "fast_door": (False, "true", "false"),
    "workers": (2, "3", "4"),
    "threads": (5, "6", "7"),
    "max_body": (1001, "1002", "1003"),
    "log_format": ("json", "text", "json"),
    "log_calls": ("on", "off", "on"),
    "journal_entries": (21, "22", "23"),
    "journal_bytes": (2001, "2002", "2003"),
    "journal_body": (301, "302", "303"),
    "ready_file": ("file.ready", "environment.ready", "flag.ready"),
    "follow": (401, "402", "403"),
    "outbox_entries": (31, "32", "33"),
    "allow_outbound": (["file.example"], "10.1.0.0/16", "flag.example:8443"),
    "webhook_schedule": ("x0.1", "x0.2", "1,5"),
    "webhook_option": (["emporix.sent=canonical"], "standard.prefix=svix", "emporix.envelope=type-payload"),
    "reservation_minutes": (1, "2", "3"),
    "delivery_groups": (True, "false", "true"),
}
NUMBERS = (
    "port",
    "admin_port",
    "max_sandboxes",
    "workers",
    "threads",
    "max_body",
    "reservation_minutes",
    "journal_entries",
    "journal_bytes",
    "journal_body",
    "outbox_entries",
    "follow",
)


def toml(name: str, value: Any) -> str:
    """A setting as a line of mockspi.toml."""
    return f"{name} = {json.dumps(value)}\n"


def value_of(folder: Path, name: str, *flags: str, env: dict[str, str] | None = None) -> tuple[Any, str]:
    """The value and its source, as ``mockspi settings --json`` tells them."""
    done = mockspi("settings", "--json", *flags, cwd=folder, env=env)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)[name]
    return told["value"], told["source"]


def meant(setting: Setting, said: Any) -> Any:
    """What a text means, as ``settings --json`` shows it; independent of how the program reads it."""
    if setting.name == "api_key":
        name, _, key = (said if isinstance(said, str) else said[0]).partition("=")
        return [f"{name}={key[:2]}***"]
    if setting.name in NUMBERS:
        return int(said)
    if setting.name in ("delivery_groups", "reload", "fast_door"):
        return said in (True, "true")
    return [said] if setting.many and isinstance(said, str) else said


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a run that could not start."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("setting", [one for one in SETTINGS if one.name != "admin_token"], ids=lambda one: str(one.name))
def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(setting: Setting, tmp_path: Path) -> None:
    in_file, in_environment, in_flag = SAID[setting.name]
    env = {setting.variable: in_environment}
    value, source = value_of(tmp_path, setting.name)
    assert source == "default"
    (tmp_path / "mockspi.toml").write_text(toml(setting.name, in_file))
    seen = [value]
    for flags, variables, said, where in (
        ((), None, in_file, "mockspi.toml"),
        ((), env, in_environment, "environment"),
        ((setting.flag, in_flag), env, in_flag, "flag"),
    ):
        value, source = value_of(tmp_path, setting.name, *flags, env=variables)
        assert (value, source) == (meant(setting, said), where)
        assert value != seen[-1], "a layer that says the same as the one below shows nothing"
        seen.append(value)


def test_the_admin_token_is_told_from_where_it_comes_but_never_shown(tmp_path: Path) -> None:
    assert value_of(tmp_path, "admin_token") == ("", "default")
    (tmp_path / "mockspi.toml").write_text(toml("admin_token", "token-of-the-file"))
    env = {"MOCKSPI_ADMIN_TOKEN": "token-of-the-environment"}
    assert value_of(tmp_path, "admin_token") == ("***", "mockspi.toml")
    assert value_of(tmp_path, "admin_token", env=env) == ("***", "environment")
    assert value_of(tmp_path, "admin_token", "--admin-token", "token-of-the-flag", env=env) == ("***", "flag")


def test_the_settings_file_may_have_another_name(tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text("port = 8101\n")
    (tmp_path / "ours.toml").write_text("port = 8102\n")
    assert value_of(tmp_path, "port", "--config", "ours.toml") == (8102, "ours.toml")
    assert value_of(tmp_path, "port", env={"MOCKSPI_CONFIG": "ours.toml"}) == (8102, "ours.toml")


def test_a_settings_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    assert "nowhere.toml does not exist" in refused(mockspi("settings", "--config", "nowhere.toml", cwd=tmp_path))


def test_settings_shows_each_setting_with_its_value_and_its_source(tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text("threads = 9\n")
    done = mockspi("settings", "--port", "8103", cwd=tmp_path, env={"MOCKSPI_WORKERS": "2"})
    rows = {words[0]: words[1:] for words in (line.split() for line in done.stdout.splitlines()[2:])}
    assert list(rows) == [one.name for one in SETTINGS]
    assert rows["threads"] == ["9", "mockspi.toml"]
    assert rows["port"] == ["8103", "flag"]
    assert rows["workers"] == ["2", "environment"]
    assert rows["host"] == ["127.0.0.1", "default"]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_settings_never_shows_a_whole_key(form: tuple[str, ...], tmp_path: Path) -> None:
    done = mockspi("settings", *form, "--api-key", "one=ibafw4ehb2vhibdsih3vbadv", "--api-key", "two=key7", cwd=tmp_path)
    assert "one=ib***" in done.stdout
    assert "two=***" in done.stdout
    assert "ibafw" not in done.stdout
    assert "key7" not in done.stdout


@pytest.mark.parametrize("text", ["a=key-of-a,b=key-of-b", "a=key-of-a b=key-of-b"])
def test_a_variable_can_hold_several_keys(text: str, tmp_path: Path) -> None:
    assert value_of(tmp_path, "api_key", env={"MOCKSPI_API_KEY": text})[0] == ["a=***", "b=***"]


def test_the_file_can_hold_keys_as_a_table(tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text('[api_key]\na = "key-of-a"\nb = "key-of-b"\n')
    assert value_of(tmp_path, "api_key")[0] == ["a=***", "b=***"]


def test_the_file_can_hold_one_version_without_a_list(tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text("api_version = 1.1\n")
    assert value_of(tmp_path, "api_version") == (["1.1"], "mockspi.toml")


@pytest.mark.parametrize(
    ("line", "near"),
    [("prot = 1", "port"), ("work = 2", "workers"), ("apikey = 'a=b'", "api_key"), ("api-key = 'a=b'", "api_key")],
)
def test_an_unknown_name_in_the_file_is_refused_with_the_nearest(line: str, near: str, tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text(line + "\n")
    sentence = refused(mockspi("serve", cwd=tmp_path))
    assert f"mockspi.toml: '{line.split(maxsplit=1)[0]}' is not a setting; did you mean '{near}'?" in sentence


@pytest.mark.parametrize(
    ("flag", "raw", "expected"),
    [
        ("--port", "http", "a whole number from 0 to 65535"),
        ("--port", "65536", "a whole number from 0 to 65535"),
        ("--port", "-1", "a whole number from 0 to 65535"),
        ("--port", "８０", "a whole number from 0 to 65535"),
        ("--port", "", "a whole number from 0 to 65535"),
        ("--workers", "0", "a whole number from 1 to 64"),
        ("--workers", "1.5", "a whole number from 1 to 64"),
        ("--max-body", "1M", "a whole number from 1 to 1073741824"),
        ("--base-path", "spi", "a path such as /spi"),
        ("--base-path", "/spi?x", "a path such as /spi"),
        ("--api-version", "v1", "a version such as 1.0"),
        ("--log-format", "xml", "one of text, json"),
        ("--log-calls", "maybe", "one of auto, on, off"),
        ("--delivery-groups", "perhaps", "true or false"),
        ("--host", "", "a text"),
        ("--allow-outbound", "10.0.0.1/8", "a network such as 10.1.0.0/16"),
        ("--allow-outbound", "hooks.example:99999", "a host, HOST:PORT or a network (CIDR)"),
        ("--allow-outbound", "https://hooks.example", "a host, HOST:PORT or a network (CIDR)"),
        ("--webhook-schedule", "soon", "a factor such as x0.01, or seconds such as 1,5,30,"),
        ("--webhook-option", "emporix", "PROFILE.OPTION=VALUE"),
    ],
)
def test_a_bad_flag_is_one_sentence_that_says_what_is_expected(flag: str, raw: str, expected: str, tmp_path: Path) -> None:
    sentence = refused(mockspi("settings", flag, raw, cwd=tmp_path))
    assert sentence.startswith(f"mockspi: {flag} is ")
    assert f"{expected} is expected" in sentence


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("port = 'x'", "port in mockspi.toml is 'x': a whole number from 0 to 65535 is expected"),
        ("port = true", "port in mockspi.toml is True: a whole number"),
        ("fixtures = 5", "fixtures in mockspi.toml is 5: a text is expected"),
        ("state = 5", "state in mockspi.toml is 5: a text is expected"),
        ("api_key = []", "api_key in mockspi.toml is ***: at least one is expected"),
        ("api_version = []", "api_version in mockspi.toml is []: at least one is expected"),
        ("api_version = 'one'", "api_version in mockspi.toml is 'one': a version such as 1.0 is expected"),
        ("port = ", "mockspi.toml cannot be read: "),
    ],
)
def test_a_bad_value_in_the_file_says_where_it_stands(line: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "mockspi.toml").write_text(line + "\n")
    assert expected in refused(mockspi("settings", cwd=tmp_path))


def test_a_bad_variable_is_called_by_its_name(tmp_path: Path) -> None:
    sentence = refused(mockspi("settings", cwd=tmp_path, env={"MOCKSPI_THREADS": "many"}))
    assert "MOCKSPI_THREADS is 'many': a whole number from 1 to 1024 is expected" in sentence


@pytest.mark.parametrize(
    "raw", ["", "=secret-secret", "secret-without-a-name", "two words=secret-secret", "staging=", "staging=s"]
)
def test_a_bad_key_is_refused_without_showing_it(raw: str, tmp_path: Path) -> None:
    sentence = refused(mockspi("settings", "--api-key", raw, cwd=tmp_path))
    assert "--api-key is ***" in sentence
    assert "secret" not in sentence


def test_a_misspelt_variable_is_a_warning_and_no_more(tmp_path: Path) -> None:
    done = mockspi("settings", cwd=tmp_path, env={"MOCKSPI_PROT": "9000", "MOCKSPI_BASE_URL": "http://elsewhere"})
    assert done.returncode == 0
    assert done.stderr == "mockspi: MOCKSPI_PROT is not a setting; did you mean MOCKSPI_PORT?\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_not_let_in_with_the_key_that_everybody_knows(host: str, tmp_path: Path) -> None:
    for words in ((), ("--api-key", "staging=mockspi-staging")):
        sentence = refused(mockspi("serve", "--host", host, *words, cwd=tmp_path))
        assert f"--host {host} lets other machines in" in sentence
        assert "--api-key" in sentence


@pytest.mark.parametrize(
    ("keys", "what"),
    [(("a=same-key", "b=same-key"), "key"), (("a=one-key", "a=other-key"), "name")],
)
def test_two_sandboxes_cannot_share_a_key_or_a_name(keys: tuple[str, str], what: str, tmp_path: Path) -> None:
    sentence = refused(mockspi("serve", "--api-key", keys[0], "--api-key", keys[1], cwd=tmp_path))
    assert f"the same {what} is given twice" in sentence
    assert "same-key" not in sentence


def test_a_setting_that_cannot_be_read_is_shown_as_it_was_given(tmp_path: Path) -> None:
    assert "--fixture-set is 'winter': NAME=DIR is expected" in mockspi("serve", "--fixture-set", "winter", cwd=tmp_path).stderr
    assert "--reload is 'maybe': on or off" in mockspi("serve", "--reload", "maybe", cwd=tmp_path).stderr
