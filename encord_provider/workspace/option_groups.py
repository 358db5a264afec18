"""Groups of options: frozen dataclasses whose fields may be templates, made of an object, a mapping or a text."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from airflow.sdk import XComArg

# Airflow looks for the upstream tasks of a value, and renders it into a copy, by this base only.
from airflow.sdk.definitions._internal.mixins import ResolveMixin

from encord_provider.exceptions import EncordInputError
from encord_provider.workspace.templates import value_of

if TYPE_CHECKING:
    from airflow.sdk import Context

Given = TypeVar("Given", bound="Options")

_MARKS = ("{{", "{%")


def is_template(value: Any) -> bool:
    """Tell whether a value, or anything in it, is known only when Airflow has rendered it."""
    if isinstance(value, Options):
        return any(is_template(getattr(value, name)) for name in value.template_fields)
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if isinstance(value, Mapping):
        return any(map(is_template, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_template, value))
    return isinstance(value, ResolveMixin)


def _text(value: Any, parameter: str) -> str | None:
    found: str | None = value_of(value, str, parameter=parameter)
    return found


def _texts(value: Any, parameter: str) -> tuple[str, ...] | None:
    values = value_of(value, list, parameter=parameter)
    return None if values is None else tuple(value_of(one, str, parameter=parameter) or "" for one in values)


def _text_or_texts(value: Any, parameter: str) -> str | tuple[str, ...] | None:
    value = value_of(value, list, str, parameter=parameter)
    return value if isinstance(value, str) else _texts(value, parameter)


def _whole(value: Any, parameter: str) -> int | None:
    number: int | None = value_of(value, int, parameter=parameter)
    return number


def _number(value: Any, parameter: str) -> float | None:
    number: float | None = value_of(value, int, float, parameter=parameter)
    return number


def _flag(value: Any, parameter: str) -> bool | None:
    flag: bool | None = value_of(value, bool, parameter=parameter)
    return flag


def _time(value: Any, parameter: str) -> datetime | None:
    if isinstance(value, datetime):
        return value
    found = value_of(value, str, parameter=parameter)
    try:
        return None if found is None else datetime.fromisoformat(found.strip())
    except ValueError:
        raise EncordInputError(
            f"The parameter {parameter} must be a time such as 2026-05-01T00:00:00+00:00, not {found!r}."
        ) from None


# Metadata of dataclass fields: what reads their values.
TEXT = {"kind": _text}
TEXTS = {"kind": _texts}
TEXT_OR_TEXTS = {"kind": _text_or_texts}
WHOLE = {"kind": _whole}
NUMBER = {"kind": _number}
FLAG = {"kind": _flag}
TIME = {"kind": _time}


@dataclass(frozen=True, kw_only=True)
class Options(ResolveMixin):  # type: ignore[misc, unused-ignore]
    """A group of options.

    Values are read when the group is made, but for those that are templates: they are read when rendered. Rendering
    gives a new group and leaves the DAG's own as its author wrote it.

    :raises EncordInputError: if a value is of the wrong kind; the message names the group, the field, and all
        fields that there are.
    """

    parameter: ClassVar[str] = ""
    """The operator's parameter for it, for messages."""
    bare_field: ClassVar[str] = ""
    """The field that is meant by a text alone, where there is one."""
    template_fields: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self._read(rendered=False)

    @classmethod
    def of(cls: type[Given], given: Given | Mapping[str, Any] | str | XComArg | None) -> Given:
        """Give the group that a rendered parameter stands for.

        :param given: the group, a mapping, the text that a template made of one; None or empty for the defaults.
        :raises EncordInputError: if it is anything else, or has an unknown or wrong field.
        """
        return given if isinstance(given, cls) else cls.from_mapping(cls._mapping(given), rendered=True)

    @classmethod
    def check(cls, given: Any) -> None:
        """Refuse a parameter that is wrong whatever its templates render to; for use when a DAG is parsed.

        :param given: what :meth:`of` takes, with templates.
        :raises EncordInputError: if it is anything else, or has an unknown field, or a wrong one that is not a
            template.
        """
        if isinstance(given, Mapping) or not is_template(given):
            _ = given if isinstance(given, cls) else cls.from_mapping(cls._mapping(given), rendered=False)

    @classmethod
    def from_mapping(cls: type[Given], values: Mapping[str, Any], *, rendered: bool) -> Given:
        """Make the group of a mapping.

        :param values: the fields by name.
        :param rendered: whether they are rendered; if not, what is a template is left unread.
        :raises EncordInputError: if a field is unknown, missing or wrong.
        """
        names = {one.name: one for one in dataclasses.fields(cls)}
        unknown = [repr(name) for name in values if name not in names]
        if unknown:
            raise EncordInputError(f"{cls.parameter} has no {', '.join(unknown)}. {cls._known()}")
        missing = [repr(name) for name, one in names.items() if one.default is MISSING and name not in values]
        if missing:
            raise EncordInputError(f"{cls.parameter} needs {', '.join(missing)}. {cls._known()}")
        made = cls(**values)
        if rendered:
            made._read(rendered=True)
        return made

    @classmethod
    def _mapping(cls, given: Any) -> Mapping[str, Any]:
        if cls.bare_field and isinstance(given, str) and not given.lstrip().startswith("{"):
            return {cls.bare_field: given}
        try:
            mapping: Mapping[str, Any] | None = value_of(given, dict, parameter=cls.parameter)
        except EncordInputError as error:
            raise EncordInputError(f"{error} {cls._known()}") from None
        return mapping or {}

    @classmethod
    def _known(cls) -> str:
        return f"Its keys are {', '.join(one.name for one in dataclasses.fields(cls))}."

    def iter_references(self) -> Iterable[tuple[Any, str]]:
        """Name the upstream tasks that the fields need, as Airflow asks of a value when it parses a DAG."""
        for name in self.template_fields:
            yield from XComArg.iter_xcom_references(getattr(self, name))

    def resolve(self, context: Context) -> Any:
        """Give a copy with rendered fields, as Airflow asks of a value before it runs a task."""
        task: Any = context["task"]
        environment = task.get_template_env()
        values = {
            name: task.render_template(getattr(self, name), context, environment)
            for name in self.template_fields
        }
        made = dataclasses.replace(self, **values)
        made._read(rendered=True)
        return made

    def serialize(self) -> dict[str, Any]:
        """Give what is set as JSON, for Airflow's page of rendered templates."""
        return {
            one.name: _as_json(value)
            for one in dataclasses.fields(self)
            if (value := getattr(self, one.name)) != one.default
        }

    def _read(self, *, rendered: bool) -> None:
        """Bring the values into their types; those that are still templates stay as they are."""
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if not rendered and is_template(value):
                continue
            try:
                value = one.metadata["kind"](value, f"{self.parameter}.{one.name}")
            except EncordInputError as error:
                raise type(error)(f"{error} {self._known()}") from None
            if value is None:
                value = "" if one.default is MISSING else one.default
            object.__setattr__(self, one.name, value)
        if rendered or not is_template(self):
            self._verify()

    def _verify(self) -> None:
        """Refuse values that do not go together."""


def _as_json(value: Any) -> Any:
    if isinstance(value, Options):
        return value.serialize()
    if isinstance(value, Mapping):
        return {str(name): _as_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)
