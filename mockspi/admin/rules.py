"""Rules, scenarios and magic values over the admin port."""

from __future__ import annotations

from collections.abc import Iterable

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.errors import BrokenRequest, Failure, FixtureSetMissing, TooManyRules
from mockspi.exchange import Json, Reply
from mockspi.rules.shapes import RuleShape, check_all
from mockspi.sandbox import Sandbox
from mockspi.schema import Anything, Integer, Many, Shape, Text, did_you_mean


class ScenarioNotFound(Failure):
    """The fixture set has no scenario of this name."""

    status = 404
    code = "SCENARIO_NOT_FOUND"


class RulesRequest(Shape):
    """Rules in order; the first that fits a call acts."""

    rules = Many(RuleShape, required=True)


class RulesReply(Shape):
    """The rules of a sandbox in order, and the scenarios that are asked after them."""

    rules = Many(RuleShape, required=True)
    scenarios = Many(Text(), required=True)


class UseRequest(Shape):
    """Names of scenarios of the fixture set, asked in this order."""

    use = Many(Text(), required=True)


class ScenarioReply(Shape):
    """A scenario of the fixture set."""

    name = Text(required=True)
    about = Text(required=True)
    rules = Many(RuleShape, required=True)


class ScenarioList(Shape):
    """Every scenario of the fixture set."""

    scenarios = Many(ScenarioReply, required=True)


class MagicReply(Shape):
    """A value, the members of a request under which it counts, and what happens."""

    contract = Text(required=True)
    value = Text(required=True)
    fields_ = Many(Text(), data_key="fields", required=True)
    about = Text(required=True)
    then = Anything(required=True)


class MagicList(Shape):
    """Every magic value of every contract."""

    magic = Many(MagicReply, required=True)
    total = Integer(required=True)


def add(desk: Desk, inputs: Json, body: Json) -> Reply:
    """Behind those that are there."""
    space = desk.sandbox(inputs).space
    desk.rules.add(space, _sound(desk, body))
    return _state(desk, space)


def replace(desk: Desk, inputs: Json, body: Json) -> Reply:
    """In the place of those that are there."""
    space = desk.sandbox(inputs).space
    desk.rules.replace(space, _sound(desk, body))
    return _state(desk, space)


def read(desk: Desk, inputs: Json, _: Json) -> Reply:
    """In order."""
    return _state(desk, desk.sandbox(inputs).space)


def delete(desk: Desk, inputs: Json, _: Json) -> Reply:
    """The posted ones; scenarios stay."""
    space = desk.sandbox(inputs).space
    desk.rules.replace(space, [])
    return _state(desk, space)


def scenarios(desk: Desk, _: Json, __: Json) -> Reply:
    """Of the fixture set."""
    found = [{"name": name, **one} for name, one in desk.book.scenarios.items()]
    return Reply.of({"scenarios": found})


def use(desk: Desk, inputs: Json, body: Json) -> Reply:
    """Behind those that are on."""
    sandbox = desk.sandbox(inputs)
    put_on(desk, sandbox, body["use"])
    return _state(desk, sandbox.space)


def put_on(desk: Desk, sandbox: Sandbox, names: Iterable[str]) -> None:
    """Put scenarios of a sandbox's fixture set on, all or none."""
    known = desk.editions(sandbox.fixtures).book.scenarios
    for name in names:
        if name not in known:
            raise ScenarioNotFound(scenario=name, hint=did_you_mean(name, known))
    desk.rules.use(sandbox.space, list(names))


def clear(desk: Desk, inputs: Json, _: Json) -> Reply:
    """The one that the query names, or all."""
    space = desk.sandbox(inputs).space
    desk.rules.clear(space, [inputs["scenario"]] if "scenario" in inputs else None)
    return _state(desk, space)


def magic(desk: Desk, inputs: Json, _: Json) -> Reply:
    """Of every contract, or of the one that the query names."""
    wanted = desk.book.known.ids(inputs.get("contract"))
    found = [one for one in desk.book.told() if one["contract"] in wanted]
    return Reply.of({"magic": found, "total": len(found)})


def _sound(desk: Desk, body: Json) -> list[Json]:
    if wrong := check_all(body["rules"], desk.book.known):
        raise BrokenRequest(errors=[{"path": one.path, "message": one.message} for one in wrong])
    rules: list[Json] = body["rules"]
    return rules


def _state(desk: Desk, space: str) -> Reply:
    kept = desk.rules.kept(space)
    return Reply.of({"rules": [one["rule"] for one in kept["rules"]], "scenarios": [one["name"] for one in kept["scenarios"]]})


class ScenarioQuery(Shape):
    """Which scenario to take off."""

    scenario = Text(about="all unless given")


class MagicQuery(Shape):
    """Whose magic values."""

    contract = Text(about="endpoint name, with .operation where only one is meant; all unless given")


_ONE = (BrokenRequest, SandboxNotFound)
_RULES, _SCENARIOS = "/sandboxes/{sandbox}/rules", "/sandboxes/{sandbox}/scenarios"
ROUTES = (
    AdminRoute("ADD_RULES", f"POST {_RULES}", "Put rules behind those that are there.", add, RulesReply, RulesRequest,
               fails=(*_ONE, TooManyRules), exact=True, noted=True),
    AdminRoute("REPLACE_RULES", f"PUT {_RULES}", "Put rules in the place of those that are there.", replace, RulesReply,
               RulesRequest, fails=(*_ONE, TooManyRules), exact=True, noted=True),
    AdminRoute("GET_RULES", f"GET {_RULES}", "A sandbox's rules, and the scenarios that are on.", read, RulesReply, fails=_ONE),
    AdminRoute("DELETE_RULES", f"DELETE {_RULES}", "Drop a sandbox's rules; scenarios stay on.", delete, RulesReply, fails=_ONE,
               noted=True),
    AdminRoute("LIST_SCENARIOS", "GET /scenarios", "Every scenario of the fixture set.", scenarios, ScenarioList, fails=()),
    AdminRoute("USE_SCENARIOS", f"POST {_SCENARIOS}", "Put scenarios on.", use, RulesReply, UseRequest,
               fails=(*_ONE, ScenarioNotFound, TooManyRules, FixtureSetMissing), noted=True),
    AdminRoute("CLEAR_SCENARIOS", f"DELETE {_SCENARIOS}", "Take scenarios off.", clear, RulesReply,
               query=ScenarioQuery, fails=_ONE, noted=True),
    AdminRoute("LIST_MAGIC", "GET /magic", "Every magic value.", magic, MagicList, query=MagicQuery, fails=(BrokenRequest,)),
)  # fmt: skip
