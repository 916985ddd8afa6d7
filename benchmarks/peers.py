"""mockspi beside the tools that could stand in its place, on equal work and on one core.

    .venv/bin/python benchmarks/peers.py [--rounds 5] [--seconds 2] [--only WireMock,Prism] [--json FILE]

Needs wrk, and node, java and pip for those that run there. Peers are installed into ~/.cache/mockspi-bench/peers, once;
who cannot be had is left out, with a word. Before anything is measured, the answers are looked at: status and body, and
401 for a wrong key. Then peer and mockspi in turn: starts, each kind of call (warm), memory before and after.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import machine
from calls import CART, HOT, KEY, carts, customers, lua
from generate import kept, scratch
from loading import (
    SERVER_CORE,
    Load,
    answered,
    each,
    end,
    first_answer,
    footprint,
    free_port,
    loaded,
    medians,
    posts,
    ratios,
    spread,
)
from peer_files import BASE, CART_PATH, JSON, Data
from peer_list import CUSTOMER, EMAIL, PEERS, POST, WRONG, Peer
from scaling import origin
from serving import serving
from starting import mockspi

KINDS = ("hot", "email", "stub", "same", "post", "wrong")
STUBBED = "TAX_SERVICE.calculateTax"


def main() -> int:
    """Measure one peer after another, print a table of each and one of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag, default in (("rounds", 5), ("seconds", 2)):
        parser.add_argument(f"--{flag}", type=int, default=default)
    parser.add_argument("--only", default="", help="beginnings of names, with commas between")
    parser.add_argument("--json", type=Path, help="write every round here; peers that are there already are kept")
    options = parser.parse_args()
    document: dict[str, Any] = {"machine": machine.described(), "peers": {}}
    document["machine"] |= {"node": machine.said("node", "--version"), "java": machine.said("java", "-version")}
    if options.json and options.json.exists():
        document["peers"] = json.loads(options.json.read_text("utf-8"))["peers"]
    print("\n".join(f"{name:8} {value}" for name, value in document["machine"].items()), flush=True)
    fixtures = kept(HOT)
    data = asked(fixtures)
    for peer in PEERS:
        if options.only and not peer.name.startswith(tuple(options.only.split(","))):
            continue
        home = installed(peer)
        if home is None:
            print(f"\n{peer.name}: cannot be had here, left out", flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="mockspi-bench-") as name:
            found = compared(peer, home, Path(name), fixtures, data, options)
        document["peers"][peer.name] = json.loads(json.dumps(found, default=asdict))
        told(peer.name, found)
        if options.json:
            options.json.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    return 0


def asked(fixtures: Path) -> Data:
    """What mockspi answers, for the peers to answer too."""
    own = customers(fixtures, HOT)
    with serving("--state", "memory", "--fixtures", str(fixtures)) as server:

        def get(path: str, **query: str) -> Any:
            words = "".join(f"&{name}={value}" for name, value in query.items())
            return called(origin(server), f"{BASE}/sa/customers{path}?api_key={KEY}{words}")[1]

        by_id = {one["customerId"]: get(f"/{one['customerId']}") for one in own}
        mails = [quote(one["email"]) for one in own if "email" in one]
        taxes = called(origin(server), POST, CART)[1]
        return Data(by_id, {one: get("", email=one) for one in mails}, taxes, own[len(own) // 2]["customerId"])


def called(url: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of one call; GET without a body."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, JSON if body else {})
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    try:
        return reply.status, json.loads(text or b"null")
    except ValueError:
        return reply.status, text.decode(errors="replace")


def installed(peer: Peer) -> Path | None:
    """Where a peer is, installed unless it was; None where it cannot be."""
    manager, _, package = peer.package.partition(":")
    home = scratch() / "peers" / "".join(one if one.isalnum() or one in ".-" else "_" for one in package)
    if (home / "whole").exists():
        return home
    home.mkdir(parents=True, exist_ok=True)
    if manager == "npm":
        commands = [["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home), package]]
    else:
        commands = [[sys.executable, "-m", "venv", str(home)], [str(home / "bin/pip"), "install", "--quiet", *package.split()]]
    try:
        for command in commands:
            subprocess.run(command, check=True, timeout=600, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        print(error, file=sys.stderr)
        return None
    (home / "whole").touch()
    return home


@contextmanager
def running(peer: Peer, home: Path, folder: Path, data: Data) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A peer that answers, and its address."""
    port, command = prepared(peer, home, folder, data)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=peer.environment(), stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        answered(process, url + first(peer, data))
        if peer.fill:
            peer.fill(url, data)
        yield url, process
    finally:
        end(process)


def prepared(peer: Peer, home: Path, folder: Path, data: Data) -> tuple[int, list[str]]:
    """A free port, and the command of a peer there, its files written."""
    port = free_port()
    peer.write(folder, data, port)
    return port, [*SERVER_CORE, *peer.command(home, folder, port)]


def first(peer: Peer, data: Data) -> str:
    """What is asked for at a start."""
    return peer.first or peer.hot.format(id=data.usual)


def compared(peer: Peer, home: Path, folder: Path, fixtures: Path, data: Data, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one peer."""
    print(f"\n{peer.name}: {peer.note}", flush=True)
    found: dict[str, Any] = {"note": peer.note, "calls": {}, "start": {"peer": [], "mockspi": []}, "memory": {}}
    for turn in range(options.rounds + 1):
        port, command = prepared(peer, home, folder, data)
        url = f"http://127.0.0.1:{port}{first(peer, data)}"
        for name, seconds in (
            ("peer", first_answer(command, url, cwd=folder, env=peer.environment())),
            ("mockspi", mockspi(str(folder / "state"), fixtures)),
        ):
            if turn:
                found["start"][name].append(seconds)
    state = ("--state", str(folder / "state"))
    with (
        serving(*state, "--fixtures", str(fixtures), before=SERVER_CORE) as server,
        running(peer, home, folder, data) as (url, process),
    ):
        checked(peer, url, data)
        sides = {"peer": (url, process.pid), "mockspi": (origin(server), server.process.pid)}
        found["memory"]["idle"] = {name: footprint(pid) for name, (_, pid) in sides.items()}
        for kind in KINDS:
            if asks(peer, kind):
                rules = [{"when": {"contract": STUBBED}, "then": {"reply": {"body": data.taxes}}}] if kind == "stub" else []
                server.admin("PUT", "/sandboxes/staging/rules", {"rules": rules})
                found["calls"][kind] = measured(peer, kind, sides, folder, data, options)
        found["memory"]["after"] = {name: footprint(pid) for name, (_, pid) in sides.items()}
    return found


def asks(peer: Peer, kind: str) -> str:
    """What a peer is asked; a POST thrice: beside mockspi that gives a constant too, by a rule, that is asked the same again,
    and that makes each answer.
    """
    return str(getattr(peer, "post" if kind in ("stub", "same") else kind))


def checked(peer: Peer, url: str, data: Data) -> None:
    """End unless the peer does the work that it is to be measured at."""
    some = list(data.customers)[:: len(data.customers) // 20]
    wanted = [(peer.hot.format(id=one), None, 200, data.customers[one if peer.by_id else data.usual]) for one in some]
    if peer.email:
        wanted += [(peer.email.format(email=one), None, 200, data.found[one]) for one in list(data.found)[::50]]
    if peer.post:
        wanted.append((peer.post, CART, 200, data.taxes))
    if peer.wrong:
        wanted.append((peer.wrong.format(id=data.usual), None, 401, None))
        wanted += [(peer.post.replace(KEY, "wrong-key"), CART, 401, None)] * bool(peer.post)
    for path, body, status, right in wanted:
        answer = called(url, path, body)
        if answer[0] != status or (status == 200 and not peer.same(answer[1], right)):
            sys.exit(f"{peer.name} answers {path} wrongly: {answer[0]} {str(answer[1])[:300]}")


def script(kind: str, paths: dict[str, str], data: Data) -> str:
    """What wrk sends for a kind of call, along these paths."""
    if kind in ("stub", "same", "post"):
        return posts(paths[kind], carts() if kind == "post" else lua(CART))
    if kind == "email":
        return each([paths[kind].format(email=one) for one in data.found])
    return each([paths[kind].format(id=one) for one in (data.customers if kind == "hot" else [data.usual])])


def measured(
    peer: Peer, kind: str, sides: dict[str, tuple[str, int]], folder: Path, data: Data, options: argparse.Namespace
) -> dict[str, list[Load]]:
    """Rounds of one kind, peer and mockspi in turn; the first warms up."""
    cart = f"{CART_PATH}?api_key={KEY}"
    ours = {"hot": CUSTOMER, "email": EMAIL, "stub": cart, "same": cart, "post": cart, "wrong": WRONG}
    theirs = {name: asks(peer, name) for name in KINDS}
    found: dict[str, list[Load]] = {"peer": [], "mockspi": []}
    status = "401 Unauthorized" if kind == "wrong" else "200 OK"
    for name, paths in (("peer", theirs), ("mockspi", ours)):
        (folder / f"{name}.lua").write_text(script(kind, paths, data))
    for turn in range(options.rounds + 1):
        for name, (url, pid) in sides.items():
            warm = peer.warm if kind == "hot" and name == "peer" else 2
            load = loaded(url, folder / f"{name}.lua", pid, options.seconds if turn else warm, status=status)
            if turn:
                found[name].append(load)
    return found


def told(name: str, found: dict[str, Any]) -> None:
    """The figures of one peer, and mockspi's beside them."""
    print(f"{name:24}{'peer/s':>9}{'ours/s':>9}{'times (spread)':>21}{'by CPU':>8}{'p99':>9}{'p99 ours':>10}")
    for kind, loads in found["calls"].items():
        theirs, ours = medians(loads["peer"]), medians(loads["mockspi"])
        ratio = spread(ratios(loads["mockspi"], loads["peer"]), 1)
        print(f"  {kind:22}{theirs.rate:9.0f}{ours.rate:9.0f}{ratio:>21}{theirs.cost / ours.cost:8.1f}", end="")
        print(f"{theirs.worst:9.2f}{ours.worst:10.2f}")
    print(f"  {'start':22}{spread(found['start']['peer']):>18} s, ours {spread(found['start']['mockspi'])} s")
    for when, sizes in found["memory"].items():
        print(f"  memory {when:15}{sizes['peer']:9.0f}{sizes['mockspi']:9.0f}  MiB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
