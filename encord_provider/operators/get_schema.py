"""EncordGetSchemaOperator: read the organisation's metadata schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from encord_provider.operators.base import EncordOperator
from encord_provider.schema import MetadataSchema, declaration_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class EncordGetSchemaOperator(EncordOperator):
    """Read the organisation's metadata schema in the form in which a DAG declares one.

    :param include_deleted: whether deleted keys are in the result too.

    :returns: a mapping from key to type, such as ``{"site": "varchar", "weather": {"type": "enum", "options":
        ["rain", "sun"]}}``, which :class:`~encord_provider.operators.set_schema.EncordSetSchemaOperator` takes as
        ``schema``.
    """

    def __init__(self, *, include_deleted: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.include_deleted = include_deleted

    def execute(self, context: Context) -> dict[str, Any]:
        """Read the schema."""
        schema = self.hook.metadata_schema()
        self.log.info("Metadata schema:\n%s", schema or "no keys")
        return declaration_of(schema if self.include_deleted else MetadataSchema(schema.live))
