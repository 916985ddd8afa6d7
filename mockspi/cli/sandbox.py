"""``mockspi sandbox``: the sandboxes of a running server, over its admin port."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from mockspi.cli.adminclient import Function, at, connect, with_admin
from mockspi.cli.options import table
from mockspi.errors import UsageError
from mockspi.exchange import Json

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PARTS = ("records", "journal", "rules", "clock", "connectors", "webhooks")

_MOST_FIRED = 20  #: lines of what fell due


@click.group()
def sandbox() -> None:
    """Make, reset and delete sandboxes of a running server, and set their clocks."""


def _command(name: str) -> Callable[[Function], Any]:
    """A command that asks the admin port, with --json."""

    def decorate(function: Function) -> Any:
        as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")
        return sandbox.command(name)(with_admin(as_json(function)))

    return decorate


def clock_options(function: Function) -> Function:
    """How a clock is set."""
    for flag, metavar, text in (
        ("--advance", "TIME", "Move on by so much, such as 90s, 15m, 2h, 3d or 500ms; after all else."),
        ("--scale", "FACTOR", "Run so many times as fast as real time."),
        ("--shift", "TIME", "Run so far ahead of real time, or behind, such as -2h."),
        ("--freeze", "MOMENT", "Stand still at a date and time such as 2027-03-01T09:30:00Z, or epoch milliseconds."),
    ):
        function = click.option(flag, metavar=metavar, default="", help=text)(function)
    return function


@_command("create")
@click.argument("name", required=False)
@click.option("--key", "api_key", default="", help="Its api_key; made up unless given.")
@click.option("--ttl", metavar="TIME", default="", help="Gone after this time, such as 10m.")
@click.option("--from", "from", metavar="NAME", default="", help="Make it from a further fixture set, or a snapshot.")
@click.option("--seed", default="", help="The same seed and the same calls give the same ids.")
@click.option("--locale", default="", help="Language of messages where a call asks for none, such as fr.")
@click.option("--quota", metavar="N/TIME", default="", help="So many calls in this time, such as 100/1m; the next get 429.")
@clock_options
def create(name: str | None, *, as_json: bool, **given: str) -> None:
    """Make a sandbox, called NAME unless one is made up; prints its api_key."""
    admin = {word: given.pop(word) for word in ("admin_url", "admin_token", "ready_file")}
    change = clock_change(**{word: given.pop(word) for word in ("freeze", "shift", "scale", "advance")})
    body: Json = {word: value for word, value in {"name": name, **given}.items() if value}
    body |= {"ttl": milliseconds(given["ttl"])} if given["ttl"] else {}
    body |= {"quota": quota(given["quota"])} if given["quota"] else {}
    made = connect(**admin).call("POST", "/sandboxes", body | ({"clock": change} if change else {}))
    click.echo(_json(made) if as_json else made["api_key"])


@_command("list")
def list_(*, as_json: bool, **admin: str) -> None:
    """List the sandboxes."""
    found = connect(**admin).call("GET", "/sandboxes")["sandboxes"]
    rows = [[one["name"], one["api_key"], one["clock"]["kind"], moment(one["clock"]["now"]), _ends(one)] for one in found]
    click.echo(_json(found) if as_json else table(rows, ["name", "api_key", "clock", "now", "expires"]))


@_command("show")
@click.argument("name")
def show(name: str, *, as_json: bool, **admin: str) -> None:
    """Show one sandbox, by NAME or api_key."""
    found = connect(**admin).call("GET", at(name))
    clock = found["clock"]
    rows = {word: str(value) for word, value in found.items() if word != "clock"}
    rows |= {word: moment(found[word]) for word in ("createdAt", "expiresAt") if found.get(word)}
    if kept := found.get("quota"):
        rows["quota"] = f"{kept['limit']} calls in {kept['window']} ms"
    rows["clock"] = f"{clock['kind']}, {moment(clock['now'])}"
    click.echo(_json(found) if as_json else "\n".join(f"{word.ljust(10)} {value}" for word, value in rows.items()))


@_command("reset")
@click.argument("name")
@click.argument("parts", nargs=-1, type=click.Choice(_PARTS), metavar="[records|journal|rules|clock|connectors|webhooks]...")
def reset(name: str, parts: tuple[str, ...], *, as_json: bool, **admin: str) -> None:
    """Bring sandbox NAME back to the beginning: all of it, or the parts that are named."""
    _done(connect(**admin).call("POST", at(name, "/reset"), dict.fromkeys(parts, True)), as_json)


@_command("clock")
@click.argument("name")
@click.option("--real", is_flag=True, help="Real time again.")
@clock_options
def clock(name: str, *, real: bool, freeze: str, shift: str, scale: str, advance: str, as_json: bool, **admin: str) -> None:
    """Show or set the clock of sandbox NAME; prints what fell due on the way."""
    change = clock_change(freeze, shift, scale, advance) | ({"real": True} if real else {})
    found = connect(**admin).call("POST", at(name, "/clock"), change)
    lines = [
        moment(found["now"]),
        *(f"  {moment(one['at'])}  {one['kind']}  {one['id']}{_how(one)}" for one in found["fired"][:_MOST_FIRED]),
    ]
    if (more := len(found["fired"]) - _MOST_FIRED) > 0:
        lines.append(f"  and {more} more (--json tells all)")
    click.echo(_json(found) if as_json else "\n".join(lines))


@_command("snapshot")
@click.argument("name")
@click.argument("snapshot")
def snapshot(name: str, snapshot: str, *, as_json: bool, **admin: str) -> None:
    """Keep the records of sandbox NAME as they are now, under the name SNAPSHOT."""
    found = connect(**admin).call("POST", at(name, "/snapshot"), {"name": snapshot})
    click.echo(_json(found) if as_json else f"snapshot {found['name']} holds {found['records']} changed records")


@_command("restore")
@click.argument("name")
@click.argument("snapshot")
def restore(name: str, snapshot: str, *, as_json: bool, **admin: str) -> None:
    """Make the records of sandbox NAME what they were when SNAPSHOT was taken."""
    found = connect(**admin).call("POST", at(name, "/restore"), {"name": snapshot})
    click.echo(_json(found) if as_json else f"{name} has the {found['records']} changed records of snapshot {found['name']}")


@_command("delete")
@click.argument("name")
def delete(name: str, *, as_json: bool, **admin: str) -> None:
    """Delete sandbox NAME and all that it wrote."""
    _done(connect(**admin).call("DELETE", at(name)), as_json)


def clock_change(freeze: str, shift: str, scale: str, advance: str) -> Json:
    """The options as the admin port takes them."""
    change: Json = {}
    if freeze:
        change["frozen"] = epoch(freeze)
    if scale:
        try:
            change["scale"] = float(scale)
        except ValueError as error:
            raise UsageError(f"--scale is {scale!r}: a number is expected") from error
    change |= {"shift": milliseconds(shift)} if shift else {}
    return change | ({"advance": milliseconds(advance)} if advance else {})


def quota(text: str) -> Json:
    """So many calls in a time, such as 100/1m."""
    limit, _, window = text.partition("/")
    if not limit.isascii() or not limit.isdigit() or not window:
        raise UsageError(f"--quota is {text!r}: calls and a time are expected, such as 100/1m")
    return {"limit": int(limit), "window": milliseconds(window)}


def milliseconds(text: str) -> int:
    """A time such as 90s, 15m, -2h or 250ms; a plain number is milliseconds."""
    number = text.rstrip("dhms")
    try:
        return round(float(number) * _UNITS[text.removeprefix(number) or "ms"])
    except (ValueError, KeyError, OverflowError) as error:
        raise UsageError(f"{text!r} is no time: something such as 500ms, 90s, 15m, 2h or 3d is expected") from error


def epoch(text: str) -> int:
    """A moment as epoch milliseconds; one without a time zone is UTC."""
    if text.lstrip("-").isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no moment: something such as 2027-03-01T09:30:00Z is expected") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def moment(milliseconds_: int) -> str:
    """Epoch milliseconds for people."""
    return datetime.fromtimestamp(milliseconds_ / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _how(fired: Json) -> str:
    return "  ".join(["", *filter(None, (fired.get("status"), fired.get("reason")))])


def _ends(one: Json) -> str:
    return "given at start" if one["fixed"] else moment(one["expiresAt"]) if "expiresAt" in one else "never"


def _done(reply: Json, as_json: bool) -> None:
    click.echo(_json(reply) if as_json else reply["done"])


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
