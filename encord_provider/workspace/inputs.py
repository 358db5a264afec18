"""Reading what a user named: a metadata schema, tables, embeddings, an upload spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from encord_provider.exceptions import EncordInputError, MetadataSchemaError
from encord_provider.schema import MetadataSchema, ValueCheck, parse_schema
from encord_provider.tables import FrameTable, MetadataTable, read_embeddings, read_frames, read_table
from encord_provider.text.endings import ending_of
from encord_provider.text.limits import MAX_SCHEMA_BYTES, MAX_SPEC_BYTES, MAX_TABLE_BYTES
from encord_provider.upload_spec import DataUnit, UploadSpec, parse_spec
from encord_provider.workspace.files import read_bytes
from encord_provider.workspace.templates import value_of

_SCHEMA_ENDINGS = (".json", ".yaml", ".yml")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Read files by the URI that a user gave.

    Every method raises :class:`~encord_provider.exceptions.EncordInputError` if a file cannot be read.

    :param aws_conn_id: the Airflow connection for ``s3://`` URIs that name none.
    """

    aws_conn_id: str | None

    def schema(self, given: Mapping[str, Any] | str) -> MetadataSchema:
        """Read a declared metadata schema.

        :param given: a mapping, its JSON or YAML text, or the URI of a ``.json``, ``.yaml`` or ``.yml`` file.
        :returns: the schema.
        :raises MetadataSchemaError: if it is malformed.
        """
        if isinstance(given, Mapping):
            return parse_schema(given)
        text = given.strip()
        if "\n" not in text and ending_of(text, _SCHEMA_ENDINGS):
            return parse_schema(self._read(text, MAX_SCHEMA_BYTES), source=text)
        if not text:
            raise MetadataSchemaError("The metadata schema is empty.")
        if text.startswith("{'"):
            # As Python writes a mapping; YAML allows that beginning too.
            with suppress(EncordInputError):
                given = value_of(text, dict, parameter="schema")
        return parse_schema(given if isinstance(given, Mapping) else text)

    def table(self, uri: str | None, *, key_column: str | None = None) -> MetadataTable | None:
        """Read a metadata table.

        :param uri: the URI of a CSV, JSONL or Parquet file; None or blank for none.
        :param key_column: the column that names the object, or None for the first usual one.
        :returns: the table, or None if there is none.
        :raises MetadataTableError: if it is malformed.
        """
        uri = (uri or "").strip()
        return read_table(self._read(uri), source=uri, key_column=key_column) if uri else None

    def frames(self, uri: str | None) -> FrameTable | None:
        """Read a table of video frames.

        :param uri: the URI of a CSV, JSONL or Parquet file; None or blank for none.
        :returns: the table, or None if there is none.
        :raises MetadataTableError: if it is malformed.
        """
        uri = (uri or "").strip()
        return read_frames(self._read(uri), source=uri) if uri else None

    def embeddings(self, uri: str, *, keys: Sequence[str] | str, name: str) -> MetadataTable:
        """Read custom embeddings.

        :param uri: the URI of a ``.npy`` file with one row for each object.
        :param keys: the object keys or URLs of the rows, or the URI of a UTF-8 text file with one on each line.
        :param name: the metadata key of the embeddings.
        :returns: a table with the embedding as its one column.
        :raises MetadataTableError: if the file is malformed, or the keys are not one for each row.
        """
        if isinstance(keys, str):
            source = keys
            try:
                # Not splitlines(): a key may hold characters that it takes for the end of a line.
                lines = self._read(source).decode("utf-8-sig").replace("\r\n", "\n").split("\n")
                keys = lines if lines[-1] else lines[:-1]
            except UnicodeDecodeError as error:
                raise EncordInputError(f"{source} is not UTF-8 text: {error}") from None
        return read_embeddings(self._read(uri), keys=keys, name=name, source=uri)

    def upload_spec(
        self,
        uri: str,
        *,
        allow_unknown: bool = False,
        by_extension: bool = False,
        read_schema: Callable[[], MetadataSchema] | None,
    ) -> UploadSpec:
        """Read an upload spec that somebody wrote, and check it.

        :param uri: its URI; one that ends in ``.csv`` is CSV, any other JSON.
        :param allow_unknown: JSON: whether fields that Encord's pages do not describe are kept.
        :param by_extension: CSV: whether the extension of a URL overrides a section of videos or images.
        :param read_schema: gives the metadata schema that client metadata must fit, and is called if there is
            any; None for no such check.
        :returns: the spec, with client metadata in the types of the metadata schema.
        :raises UploadSpecError: if anything is wrong with it; the message names file and lines.
        :raises MetadataValueError: if client metadata does not fit the metadata schema.
        """
        if not uri:
            raise EncordInputError("No upload spec was given: set the parameter 'spec' to its URI.")
        spec = parse_spec(
            self._read(uri, MAX_SPEC_BYTES),
            source=uri,
            allow_unknown=allow_unknown,
            by_extension=by_extension,
        )
        if spec.extra:
            raise EncordInputError(
                f"{uri} has unknown fields at the top: {', '.join(map(repr, spec.extra))}. Parts have no place for "
                "them; import the file itself with EncordImportDataOperator(untouched=True)."
            )
        if read_schema is None or not any(unit.client_metadata for unit in spec.units):
            return spec
        check = ValueCheck(read_schema())
        units = tuple(_checked(unit, check, uri) for unit in spec.units)
        check.finish()
        return replace(spec, units=units)

    def _read(self, uri: str, limit: int = MAX_TABLE_BYTES) -> bytes:
        return read_bytes(uri, aws_conn_id=self.aws_conn_id, limit=limit)


def _checked(unit: DataUnit, check: ValueCheck, uri: str) -> DataUnit:
    name = unit.title or next(iter(unit.urls), "")
    metadata = check.check(unit.client_metadata, where=f"{uri}, data unit {name!r}")
    return replace(unit, client_metadata=metadata)
