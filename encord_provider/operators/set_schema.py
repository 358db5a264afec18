"""EncordSetSchemaOperator: bring the organisation's metadata schema to what a DAG declares."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from encord_provider.api.calls import save_metadata_schema
from encord_provider.exceptions import EncordError
from encord_provider.operators.base import EncordOperator
from encord_provider.schema import MetadataSchema, SchemaDiff, diff, merge
from encord_provider.workspace.inputs import Inputs

if TYPE_CHECKING:
    from airflow.sdk import Context

_WRITERS = 5
_SETTLE_SECONDS = 0.5


class EncordSetSchemaOperator(EncordOperator):
    """Merge declared keys into the organisation's metadata schema.

    Encord has one metadata schema for each organisation and saves it whole, so the operator reads it, merges,
    logs the difference, saves, reads back half a second later, and does it again if another writer's save came in
    between. A writer who takes longer between reading and saving can still undo it, as nothing in Encord prevents
    that.
    A schema that already has everything is not saved.

    :param schema: the declared keys: a mapping such as ``{"site": "varchar", "score": "number"}``, its JSON or
        YAML text, or the URI of a ``.json``, ``.yaml`` or ``.yml`` file. (templated)
    :param mode: ``merge`` keeps keys that are not declared; ``replace`` deletes them, which ``allow_delete``
        must allow.
    :param allow_retype: whether a scalar key may change its type.
    :param allow_delete: whether keys may be deleted.
    :param dry_run: log the difference and save nothing.
    :param aws_conn_id: the Airflow connection for reading an ``s3://`` URI. (templated)

    :returns: the keys by what happened to them: ``{"added", "extended", "retyped", "restored", "deleted",
        "unchanged"}``, each a list.
    :raises MetadataSchemaError: if the declaration is malformed, or a change was not allowed.
    """

    template_fields: tuple[str, ...] = (*EncordOperator.template_fields, "schema", "aws_conn_id")
    template_fields_renderers = {"schema": "json"}

    def __init__(
        self,
        *,
        schema: Mapping[str, Any] | str,
        mode: Literal["merge", "replace"] = "merge",
        allow_retype: bool = False,
        allow_delete: bool = False,
        dry_run: bool = False,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schema = schema
        self.mode = mode
        self.allow_retype = allow_retype
        self.allow_delete = allow_delete
        # BaseOperator has a method dry_run.
        self.only_show = dry_run
        self.aws_conn_id = aws_conn_id

    def execute(self, context: Context) -> dict[str, list[str]]:
        """Read, merge, save and verify."""
        declared = Inputs(aws_conn_id=self.aws_conn_id).schema(self.schema)
        first: SchemaDiff | None = None
        for _writer in range(_WRITERS):
            change = self._change(declared)
            if first is None:
                first = change
                self.log.info("Metadata schema:\n%s", change)
            if self.only_show or change.is_empty:
                return first.as_dict()
            self.hook.api.perform(save_metadata_schema(change.wanted.to_wire()))
            # Another writer who read the schema before this save overwrites it a moment later.
            time.sleep(_SETTLE_SECONDS)
            if self._change(declared).is_empty:
                return first.as_dict()
            self.log.warning("Another writer saved the metadata schema at the same time; merging again.")
        raise EncordError(
            f"The metadata schema was overwritten by another writer {_WRITERS} times in a row. "
            "Find out who else saves it, and run the task again."
        )

    def _change(self, declared: MetadataSchema) -> SchemaDiff:
        current = self.hook.metadata_schema()
        merged = merge(
            current,
            declared,
            mode=self.mode,
            allow_retype=self.allow_retype,
            allow_delete=self.allow_delete,
        )
        return diff(current, merged)
