"""The quick yes: whether JSON keeps a shape, compiled once per shape from the very fields that marshmallow reads.

A no says nothing about why: then ``schema.problems`` and ``schema.Strangers`` are asked. A yes must mean that both
would find nothing; a property test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from mockspi.schema import Field, Flag, Integer, Many, Number, Part, Shape, Text, instance, validate
from mockspi.schema.validate import ValidationError

Check = Callable[[Any], bool]


def conforms(shape: type[Shape], value: Any, *, closed: bool = False) -> bool:
    """Whether a document keeps a shape; ``closed`` refuses every member that is not declared, and every null that is not."""
    return compiled(shape, closed)(value)


def fits(field: Field, value: Any) -> bool:
    """Whether a value may stand where a field is."""
    return _field(field, False)(value)


@cache
def compiled(shape: type[Shape], closed: bool) -> Check:
    """The check of one shape."""
    members = {field.data_key or name: _field(field, closed) for name, field in instance(shape).fields.items()}
    required = frozenset(field.data_key or name for name, field in instance(shape).fields.items() if field.required)
    one_of, is_open = shape.ONE_OF, shape.OPEN and not closed

    def check(value: Any) -> bool:
        if type(value) is not dict or not required <= value.keys():
            return False
        for name, member in value.items():
            known = members.get(name)
            if known is None:
                if not is_open:
                    return False
            elif not known(member):
                return False
        return not one_of or any(value.get(name) for name in one_of)

    return check


def _field(field: Field, closed: bool) -> Check:
    rules = list(field.validators)
    check = _bounded(field, rules) or _all([_type(field, closed), *map(_validator, rules)])
    return (lambda value: value is None or check(value)) if field.allow_none else check


def _bounded(field: Field, rules: list[Any]) -> Check | None:
    """The checks that most fields have, each in one step."""
    match field, rules:
        case Integer(), [validate.Range(min=int(low), max=int(high))]:
            return lambda value: type(value) is int and low <= value <= high
        case Number(), [validate.Range(min=float(low), max=float(high))]:
            return lambda value: type(value) in (int, float) and low <= value <= high  # which NaN and infinity are not
        case Text(), [validate.Length(min=1, max=None, equal=None)]:
            return lambda value: type(value) is str and value != ""
    return None


def _all(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda value: first(value) and second(value)
    return lambda value: all(check(value) for check in checks)


def _type(field: Field, closed: bool) -> Check:  # noqa: PLR0911  # one answer for each kind of field
    if isinstance(field, Part):
        shape = type(field.schema)
        return compiled(shape, closed) if issubclass(shape, Shape) else _never
    if isinstance(field, Many):
        return _list(_field(field.inner, closed))
    if isinstance(field, Integer):
        return lambda value: type(value) is int
    if isinstance(field, Number):
        return lambda value: type(value) is int or (type(value) is float and math.isfinite(value))
    if isinstance(field, Flag):
        return lambda value: type(value) is bool
    if isinstance(field, Text):
        return lambda value: type(value) is str
    return _no_null_inside if closed else lambda value: value is not None


def _list(inner: Check) -> Check:
    return lambda value: type(value) is list and all(map(inner, value))


def _never(_: Any) -> bool:
    return False


def _no_null_inside(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_no_null_inside, value.values()))
    return all(map(_no_null_inside, value)) if isinstance(value, list) else value is not None


def _validator(rule: Callable[[Any], Any]) -> Check:
    """A marshmallow validator as a yes or no."""
    if isinstance(rule, validate.OneOf):
        words = frozenset(rule.choices)
        return lambda value: value in words
    if isinstance(rule, validate.Length) and (rule.min, rule.max, rule.equal) == (1, None, None):
        return bool
    if isinstance(rule, validate.Bound):
        return rule.holds

    def check(value: Any) -> bool:
        try:
            rule(value)
        except ValidationError:
            return False
        return True

    return check
