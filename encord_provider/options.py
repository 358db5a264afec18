"""Options that belong together, as small frozen values that DAG authors hand to operators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.sdk import XComArg
from airflow.sdk.definitions._internal.mixins import ResolveMixin

from encord_provider.exceptions import EncordInputError

if TYPE_CHECKING:
    from airflow.sdk import Context


class Options(ResolveMixin):  # type: ignore[misc, unused-ignore]
    """Base of the frozen dataclasses whose ``template_fields`` Airflow renders.

    Airflow renders other objects in place, which would change what the DAG's author wrote, and does not look for the
    outputs of other tasks in them. A value that resolves itself, as an XComArg does, has neither fault.
    """

    template_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, given: Self | Mapping[str, Any] | None) -> Self:
        """Give the options that a parameter stands for, once it is rendered.

        :param given: the options, a mapping with the same names, or None for the defaults.
        :raises EncordInputError: if it is anything else, or has a name that there is not.
        """
        if isinstance(given, cls):
            return given
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        if given is not None and not (isinstance(given, Mapping) and set(given) <= set(known)):
            found = ", ".join(map(repr, given)) if isinstance(given, Mapping) else type(given).__name__
            raise EncordInputError(
                f"Expected {cls.__name__}, or a mapping with some of {', '.join(known)}; got {found}."
            )
        return cls(**given or {})

    def iter_references(self) -> Iterator[tuple[Any, str]]:
        """Give the tasks whose outputs are among the fields; they become upstream tasks."""
        for name in self.template_fields:
            yield from XComArg.iter_xcom_references(getattr(self, name))

    def resolve(self, context: Context) -> Self:
        """Give a copy with the templates rendered.

        :param context: the context of the task that is about to run.
        """
        render = context["task"].render_template
        values = {name: render(getattr(self, name), context) for name in self.template_fields}
        return replace(self, **values)  # type: ignore[type-var]


@dataclass(frozen=True, kw_only=True)
class ItemSelection(Options):
    """Which storage items are meant, beside or instead of those of a folder.

    Give one of ``folder`` (the operator's own parameter), ``dataset``, ``project`` and ``uuids``; the others narrow
    or widen that choice.

    :param recursive: whether the folders below ``folder`` count too.
    :param dataset: the UUID of the dataset whose data rows are meant, by the items behind them. (templated)
    :param project: the UUID of the project whose label rows are meant, by the items behind them. (templated)
    :param uuids: the UUIDs of the items that are meant. (templated)
    :param upload_spec: the index URI, or the output, of
        :class:`~encord_provider.operators.build_upload_spec.EncordBuildUploadSpecOperator`, for the objects of that
        upload spec only. (templated)
    :param frames: whether the files of image groups, image sequences and series are meant instead of these
        themselves. A group as a whole has client metadata of its own.
    """

    recursive: bool = False
    dataset: str | XComArg | None = None
    project: str | XComArg | None = None
    uuids: Sequence[str] | str | XComArg | None = None
    upload_spec: Mapping[str, Any] | str | XComArg | None = None
    frames: bool = False
    template_fields: ClassVar[tuple[str, ...]] = ("dataset", "project", "uuids", "upload_spec")
