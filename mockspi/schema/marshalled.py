"""The shapes as marshmallow's schemas: for what is said when something is wrong, and for OpenAPI. Made when first asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate, validates_schema

from mockspi.schema import declaring
from mockspi.schema.declaring import Shape
from mockspi.schema.validate import Equal, Length, OneOf, Range, Regexp, Rule
from mockspi.schema.validate import ValidationError as Wrong


class Integer(fields.Integer):
    """A whole number and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Number(fields.Float):
    """A finite number and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> float:
        if type(value) is int or (type(value) is float and math.isfinite(value)):
            return value
        raise self.make_error("invalid")


class Flag(fields.Boolean):
    """true or false and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return value


class Marshalled(Schema):
    """The base of them all, which knows of which shape it is."""

    shape: type[Shape] = Shape

    class Meta:
        unknown = INCLUDE

    @validates_schema
    def has_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Something must say what is meant."""
        names = self.shape.ONE_OF
        if names and not any(data.get(name) for name in names):
            raise ValidationError(f"{' or '.join(names)} is required")


_PLAIN: dict[type[declaring.Field], type[fields.Field[Any]]] = {
    declaring.Integer: Integer,
    declaring.Number: Number,
    declaring.Flag: Flag,
    declaring.Text: fields.String,
}


@cache
def schema_of(shape: type[Shape]) -> type[Marshalled]:
    """The schema of a shape, under its name."""
    members: dict[str, Any] = {name: field_of(one) for name, one in shape.fields.items()}
    return type(shape.__name__, (Marshalled,), {**members, "shape": shape, "__doc__": shape.__doc__})


@cache
def checker(shape: type[Shape]) -> Marshalled:
    """The one instance of a schema; building it costs far more than using it."""
    return schema_of(shape)()


def field_of(one: declaring.Field) -> fields.Field[Any]:
    """One field."""
    options: dict[str, Any] = {
        "required": one.required,
        "allow_none": one.allow_none,
        "data_key": one.data_key,
        "validate": [_validator(rule) for rule in one.validators],
        "metadata": one.metadata,
        "error_messages": dict(one.error_messages or {}),
    }
    if isinstance(one, declaring.Part):
        return fields.Nested(schema_of(one.nested), **options)
    if isinstance(one, declaring.Many):
        return fields.List(field_of(one.inner), **options)
    return next((made for kind, made in _PLAIN.items() if isinstance(one, kind)), fields.Raw)(**options)


def _validator(rule: Rule) -> Any:
    match rule:
        case OneOf():
            return validate.OneOf(rule.choices)
        case Length():
            return validate.Length(rule.min, rule.max, equal=rule.equal)
        case Range():
            return validate.Range(rule.min, rule.max)
        case Regexp():
            return validate.Regexp(rule.regex, error=rule.error)
        case Equal():
            return validate.Equal(rule.comparable, error=rule.error)

    def check(value: Any) -> None:
        try:
            rule(value)
        except Wrong as wrong:
            raise ValidationError(wrong.messages) from wrong

    return check
