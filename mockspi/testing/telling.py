"""What a developer reads when a test fails: what came closest, what happened, and how to see it again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from shlex import quote as quoted
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mockspi.exchange import LOST, Json
from mockspi.masking import printable

MOST = 50  #: how many calls a table shows
_LONGEST = 200
_HEADING = ["#", "status", "contract", "call", "ms", ""]


def unmet(question: Json, answer: Json, until: str = "") -> str:
    """Why a question was answered with no, field by field."""
    lines = []
    if question.get("contract"):
        lines.append(f"expected {_bounds(question.get('count', {}))} {call(question)}{until}; there {_times(answer['count'])}")
    if missing := answer.get("missing"):
        steps = question["order"]
        lines.append(f"expected in this order{until}: {', then '.join(call(step) for step in steps)}")
        early = f"; #{missing['cameEarly']} came before its turn" if "cameEarly" in missing else ""
        lines.append(f"step {missing['step'] + 1} of {len(steps)} did not come: {call(steps[missing['step']])}{early}")
    near = answer.get("nearMisses", ())
    if near:
        lines.append("what came closest:")
    for one in near:
        lines.append(f"  #{one['number']} {one['contract'] or 'no contract'}")
        for difference in one["differences"]:
            got = short(difference["got"]) if "got" in difference else "nothing"
            lines.append(f"      {difference['path']}: expected {short(difference['expected'])}, got {got}")
    if not near and (missing or answer["count"] == 0):
        lines.append("no call has come at all")
    if many := answer.get("unauthorized"):
        lines.append(f"{_calls(many)} came with an api_key that opens no sandbox (mockspi journal tail --refused)")
    return "\n".join(lines)


def call(question: Json) -> str:
    """A call as it was asked for."""
    parts = [f"{name} = {short(value)}" for name, value in {**question.get("path", {}), **question.get("query", {})}.items()]
    parts += [f"{pointer} = {short(value)}" for pointer, value in question.get("match", {}).items()]
    parts += [f"status {question['status']}"] if "status" in question else []
    return str(question["contract"]) + (f" with {', '.join(parts)}" if parts else "")


def uncovered(calls: Sequence[Json], total: int) -> str:
    """What strict mode says."""
    lines = [f"strict: {_calls(total)} that no contract covers"]
    for one in calls[:MOST]:
        lines.append(f"  #{one['number']} {one['method']} {printable(one['path'])} -> {one['status']}, {one['why']}")
        lines += [f"      {': '.join(filter(None, (wrong.get('path'), wrong['message'])))}" for wrong in one.get("errors", ())]
    return "\n".join(lines)


def table(entries: Sequence[Json], total: int = 0) -> str:
    """The journal for people, one call a line; secrets are masked already."""
    if not entries:
        return "no call has come"
    rows = [_HEADING]
    for one in entries:
        notes = [
            f"rule {one['rule']}" if one["rule"] else "",
            *troubles(one),
            *(finding["code"] for finding in one["findings"]),
            _code(one),
        ]
        rows.append([
            str(one["number"]), outcome(one), one["contract"] or "no contract", f"{one['method']} {_target(one)}",
            f"{one['milliseconds']:.1f}", "  ".join(filter(None, notes)),
        ])  # fmt: skip
    widths = [max(len(row[index]) for row in rows) for index in range(len(_HEADING))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    earlier = total - len(entries)
    return "\n".join([*([f"{earlier} earlier calls, then:"] if earlier > 0 else []), *lines])


def outcome(entry: Json) -> str:
    """What the caller had of a call: the status, or the fault that took the reply away."""
    fault = entry.get("trouble", {}).get("fault", "")
    return str(fault if fault in LOST else entry["reply"]["status"])


def troubles(entry: Json) -> list[str]:
    """What else a rule put in the way of a reply."""
    trouble = entry.get("trouble", {})
    delay, fault = trouble.get("delay", 0), trouble.get("fault", "")
    return [f"delay {delay:g} ms"] * bool(delay) + [fault] * bool(fault and fault not in LOST)


def curl(entry: Json, base_url: str) -> str:
    """The call again, with the key of whoever pastes it."""
    root = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
    query = [(name, value) for name, value in entry["query"].items() if name != "api_key"]
    asked = f"{urlencode(query, doseq=True)}&" if query else ""
    words = ["curl -sS"] + ([f"-X {entry['method']}"] if entry["method"] != "GET" else [])
    if "body" in entry:
        words.append(f"-H 'Content-Type: {entry['headers'].get('content-type', 'application/json')}'")
        body = entry["body"] if isinstance(entry["body"], str) else json.dumps(entry["body"], ensure_ascii=False)
        words.append(f"-d {quoted(body)}")
    return " ".join([*words, f'"{root}{quote(entry["path"])}?{asked}api_key=$MOCKSPI_API_KEY"'])


def short(value: Any) -> str:
    """A value as JSON, its end left out where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _bounds(count: Mapping[str, Any]) -> str:
    if count.get("never") or count.get("exactly") == 0:
        return "no call of"
    if "exactly" in count:
        return f"exactly {_calls(count['exactly'])} of"
    bounds = [(f"at {word}", count[name]) for name, word in (("atLeast", "least"), ("atMost", "most")) if name in count]
    return " and ".join(f"{word} {_calls(many)}" for word, many in bounds) + " of" if bounds else "a call of"


def _times(count: int) -> str:
    return "was none" if count == 0 else "was 1" if count == 1 else f"were {count}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def _target(entry: Json) -> str:
    asked = urlencode({name: value for name, value in entry["query"].items() if name != "api_key"}, doseq=True)
    return printable(entry["path"]) + (f"?{asked}" if asked else "")


def _code(entry: Json) -> str:
    body = entry["reply"].get("body")
    return str(body.get("errorCode") or "") if isinstance(body, dict) else ""
