"""Every setting once: its name, default, help and how its text is read; and where each value came from.

Precedence: command line, then ``MOCKSPI_...``, then ``mockspi.toml``, then the default.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mockspi import outward
from mockspi.errors import UsageError

CONFIG_FILE, PREFIX, MEMORY, _SHORTEST_KEY = "mockspi.toml", "MOCKSPI_", "memory", 3
MAIN = "main"  #: the name of the fixture set that every sandbox has unless it was made from another
_TOKEN = (r"([\x21-\x7e]{8,})?", "at least eight letters, digits or signs without spaces are")
_BASE = (r"(/[\w.~-]+)*/?", "a path such as /spi is", "/")
_VERSION = (r"[0-9]+(\.[0-9]+)*", "a version such as 1.0 is")
DEFAULT_KEYS = ("staging=mockspi-staging",)
#: Variables that mockspi hands to others; they are not settings.
_HANDED_OUT = frozenset({"MOCKSPI_CONFIG", "MOCKSPI_BASE_URL", "MOCKSPI_ADMIN_URL", "MOCKSPI_ADMIN_TOKEN"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that can be set; ``many`` may be given several times (or as a list, or with commas)."""

    name: str
    default: Any
    about: str
    read: Callable[[Any], Any]
    metavar: str = "TEXT"
    many: bool = False

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """Its command line option."""
        return "--" + self.name.replace("_", "-")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is expected")
    return value


def _path(value: Any) -> str:
    return value if value == "" else _text(value)


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,12}", str(value)) or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high} is expected")
        return int(value)

    return read


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)} is expected")
        return str(value)

    return read


def _switch(asked: str = "true or false") -> Callable[[Any], bool]:
    def read(value: Any) -> bool:
        if (word := str(value).lower()) not in ("true", "on", "yes", "1", "false", "off", "no", "0"):
            raise ValueError(f"{asked} is expected")
        return word in ("true", "on", "yes", "1")

    return read


def _key(value: Any) -> tuple[str, str]:
    name, _, key = _text(value).partition("=")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name) or len(key) < _SHORTEST_KEY or not key.isprintable():
        raise ValueError(f"NAME=KEY is expected, such as staging=ibafw4ehb2vhibdsih3vbadv ({_SHORTEST_KEY} signs or more)")
    return name, key


def _named_folder(value: Any) -> tuple[str, str]:
    name, _, folder = _text(value).partition("=")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name) or name == MAIN or not folder:
        raise ValueError(f"NAME=DIR is expected, such as winter=sets/winter ({MAIN} is the name of --fixtures)")
    return name, folder


def _fits(pattern: str, expected: str, end: str = "") -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if re.fullmatch(pattern, str(value)):
            return str(value).rstrip(end)
        raise ValueError(f"{expected} expected")

    return read


SETTINGS = (
    Setting("host", "127.0.0.1", "Address to listen on; beyond loopback only with an --api-key of your own.", _text, "HOST"),
    Setting("port", 8080, "Port to listen on; 0 takes a free one.", _whole(0, 65535), "PORT"),
    Setting("admin_host", "127.0.0.1", "Address of the admin port; beyond loopback only with --admin-token.", _text, "HOST"),
    Setting("admin_port", 8081, "Admin port; 0 takes a free one.", _whole(0, 65535), "PORT"),
    Setting("admin_token", "", "Token of the admin port; made up and printed once unless given.", _fits(*_TOKEN), "TOKEN"),
    Setting("max_sandboxes", 10_000, "Most sandboxes at once.", _whole(1, 1_000_000), "N"),
    Setting("auto_sandbox", "", "Unknown api_keys with this prefix open a sandbox of their own.", str, "PREFIX"),
    Setting("fixtures", "sample", "Folder with the fixture set; the sample set that ships unless given.", _text, "DIR"),
    Setting("fixture_set", (), "NAME=DIR: a further fixture set, for sandboxes made from it.", _named_folder, "NAME=DIR", True),
    Setting("reload", True, "Whether a fixture set that changes is read again; on or off.", _switch("on or off"), "on|off"),
    Setting("api_key", DEFAULT_KEYS, "NAME=KEY: a key that the POS sends and the sandbox it opens.", _key, "NAME=KEY", True),
    Setting("api_version", ("1.0",), "A version segment that is served.", _fits(*_VERSION), "VERSION", True),
    Setting("base_path", "/spi", "What stands before the version in every path.", _fits(*_BASE), "PATH"),
    Setting("connectors", "", "JSON file that puts endpoints on the merchant's own URLs.", _path, "FILE"),
    Setting("state", "", "Folder for what is written; memory keeps nothing. The user's state folder unless given.", _path, "DIR"),
    Setting("fast_door", True, "Whether a reply that still holds is given again; on or off.", _switch("on or off"), "on|off"),
    Setting("workers", 1, "Worker processes.", _whole(1, 64), "N"),
    Setting("threads", 32, "Threads in each worker.", _whole(1, 1024), "N"),
    Setting("max_body", 1_048_576, "Largest request body in bytes, unpacked.", _whole(1, 1_073_741_824), "BYTES"),
    Setting("log_format", "text", "How the log and the ready line are written.", _one_of("text", "json"), "text|json"),
    Setting("log_calls", "auto", "Whether calls are logged; auto: on a terminal.", _one_of("auto", "on", "off"), "auto|on|off"),
    Setting("journal_entries", 10_000, "Most journal entries of a sandbox; the oldest go.", _whole(1, 10_000_000), "N"),
    Setting("journal_bytes", 33_554_432, "Most bytes of a sandbox's journal.", _whole(1, 10_737_418_240), "BYTES"),
    Setting("journal_body", 65_536, "Longest body that the journal keeps whole.", _whole(0, 1_073_741_824), "BYTES"),
    Setting("ready_file", "", "File that appears once requests are answered: baseUrl, apiKey and more.", _path, "PATH"),
    Setting("follow", 0, "Stop as soon as the process with this id is gone.", _whole(0, 4_194_304), "PID"),
    Setting("outbox_entries", 10_000, "Most webhooks kept of a sandbox; the oldest finished go.", _whole(1, 10_000_000), "N"),
    Setting("allow_outbound", (), "HOST, HOST:PORT or CIDR where webhooks may go; loopback always.", outward.place, "HOST", True),
    Setting("webhook_schedule", "", "Shorter waits between attempts: a factor (x0.01) or seconds (1,5,30).", outward.schedule),
    Setting("webhook_option", (), "PROFILE.OPTION=VALUE: how a platform delivers.", outward.option, "OPTION", True),
    Setting("reservation_minutes", 15, "How long a validated cart holds its stock.", _whole(1, 525_600), "MINUTES"),
    Setting("delivery_groups", False, "Whether GET_ORDER_DETAIL brings a DeliveryGroup list.", _switch(), "true|false"),
)  # fmt: skip
SECRETS = ("api_key", "admin_token")  #: settings that are never shown whole
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting's value and where it came from: flag, environment, file or default."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run."""

    values: Mapping[str, Value]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name].value
        except KeyError:
            raise AttributeError(name) from None

    @property
    def sets(self) -> dict[str, str]:
        """Name of a fixture set to its folder."""
        return {MAIN: self.fixtures, **dict(self.fixture_set)}

    @property
    def keys(self) -> dict[str, str]:
        """Sandbox name to api_key."""
        return dict(self.values["api_key"].value)


def load(flags: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None, file: str = "") -> Settings:
    """Put the four layers together; anything that cannot be read is a UsageError that says where it stands."""
    environ = os.environ if environ is None else environ
    path, stored = _file(file or environ.get("MOCKSPI_CONFIG", ""))
    layers = [
        ("flag", {name: value for name, value in (flags or {}).items() if value not in (None, ())}),
        ("environment", {one.name: environ[one.variable] for one in SETTINGS if environ.get(one.variable)}),
        (str(path), stored),
    ]
    settings = Settings({one.name: _pick(one, layers) for one in SETTINGS})
    _check(settings)
    return settings


def strange_variables(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each MOCKSPI_ variable that is none of ours but looks like one."""
    ours = {one.variable for one in SETTINGS}
    near = {
        name: difflib.get_close_matches(name, ours, n=1, cutoff=0.8)
        for name in environ
        if name.startswith(PREFIX) and name not in ours | _HANDED_OUT
    }
    return [f"{name} is not a setting; did you mean {found[0]}?" for name, found in near.items() if found]


def _pick(setting: Setting, layers: Sequence[tuple[str, Mapping[str, Any]]]) -> Value:
    for source, layer in layers:
        if setting.name in layer:
            where = {"flag": setting.flag, "environment": setting.variable}.get(source, f"{setting.name} in {source}")
            return Value(_read(setting, layer[setting.name], where), source)
    return Value(_read(setting, setting.default, setting.flag), "default")


def _read(setting: Setting, raw: Any, where: str) -> Any:
    try:
        return tuple(setting.read(part) for part in _parts(raw)) if setting.many else setting.read(raw)
    except (ValueError, TypeError) as error:
        shown = "***" if setting.name in SECRETS else ", ".join(map(repr, raw)) if isinstance(raw, tuple) else repr(raw)
        raise UsageError(f"{where} is {shown}: {error}") from error


def _parts(raw: Any) -> Sequence[Any]:
    if isinstance(raw, Mapping):
        raw = [f"{name}={value}" for name, value in raw.items()]
    parts = re.split(r"[,\s]+", raw.strip()) if isinstance(raw, str) else raw if isinstance(raw, (list, tuple)) else [raw]
    if not parts and raw != ():
        raise ValueError("at least one is expected")
    return parts


def _file(named: str) -> tuple[Path, dict[str, Any]]:
    path = Path(named or CONFIG_FILE)
    if not path.is_file():
        if named:
            raise UsageError(f"the settings file {path} does not exist")
        return path, {}
    import tomllib  # only where there is one: start-up time

    try:
        stored = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    for name in stored:
        if name not in _BY_NAME:
            hint = "".join(f"did you mean {one!r}?" for one in difflib.get_close_matches(name, _BY_NAME, n=1))
            raise UsageError(f"{path}: {name!r} is not a setting; {hint or 'known are ' + ', '.join(_BY_NAME)}")
    return path, stored


def _check(settings: Settings) -> None:
    names, keys = zip(*settings.api_key, strict=True)
    once = {"--api-key: the same name": names, "--api-key: the same key": keys}
    once["--fixture-set: the same name"] = tuple(name for name, _ in settings.fixture_set)
    for what, values in (*once.items(), ("--api-version: the same version", settings.api_version)):
        if len(set(values)) < len(values):
            raise UsageError(f"{what} is given twice")
    if not is_loopback(settings.admin_host) and not settings.admin_token:
        raise UsageError(f"--admin-host {settings.admin_host} lets other machines in; choose a token with --admin-token TOKEN")
    if not is_loopback(settings.host) and {one.partition("=")[2] for one in DEFAULT_KEYS} & set(settings.keys.values()):
        raise UsageError(
            f"--host {settings.host} lets other machines in, and the default api_key is known to everybody; "
            "choose one with --api-key staging=KEY"
        )


def is_default(settings: Settings, name: str) -> bool:
    """Whether nobody chose this setting's value."""
    return settings.values[name].source == "default"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def state_folder(settings: Settings) -> Path | None:
    """Where what is written lives; None for nowhere. By default a folder of its own for each fixture set."""
    if settings.state == MEMORY:
        return None
    if settings.state:
        return Path(settings.state).expanduser()
    from platformdirs import user_state_path  # only where it is needed: start-up time

    if settings.fixtures == _BY_NAME["fixtures"].default:
        return user_state_path("mockspi") / "sample"
    folder = Path(settings.fixtures).resolve()
    return user_state_path("mockspi") / f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def cache_folder() -> Path:
    """Where compiled fixture sets are kept; everything in it can be made again."""
    from platformdirs import user_cache_path  # only where it is needed: start-up time

    return user_cache_path("mockspi") / "sets"
