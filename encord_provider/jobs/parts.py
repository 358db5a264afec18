"""From what a user gives as ``spec`` to the parts that are sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from encord_provider.exceptions import EncordInputError, UploadSpecError
from encord_provider.text.limits import MAX_SPEC_BYTES
from encord_provider.upload_spec import (
    SpecIndex,
    UploadSpec,
    parse_spec,
    read_index,
    read_part,
    to_data_items,
)
from encord_provider.upload_spec.parts import INDEX_NAME
from encord_provider.upload_spec.reading import is_csv
from encord_provider.workspace.aws import USUAL_CONNECTION
from encord_provider.workspace.files import child, parent, path_of, read_bytes
from encord_provider.workspace.templates import value_of


@dataclass(frozen=True, kw_only=True)
class ImportPart:
    """One part of a spec that is to be sent.

    :param name: its name, unique in the spec.
    :param sha256: the hash of its bytes.
    :param units: how many data units it has.
    :param skips_duplicates: whether it asks Encord to skip URLs that the folder already has.
    :param read: reads the part.
    :param as_written: the part as its author wrote it, where it is to be sent so; None for Encord's structured form.
    """

    name: str
    sha256: str
    units: int
    skips_duplicates: bool
    read: Callable[[], UploadSpec]
    as_written: bytes | None = None

    def content(self) -> dict[str, Mapping[str, Any]]:
        """Read the part and give what :class:`~encord_provider.api.calls.UploadRequest` takes of it."""
        if self.as_written is None:
            return {"data_items": to_data_items(self.read())}
        return {"external_files": orjson.loads(self.as_written)}


def index_uri_of(spec: Any) -> str | None:
    """Give the index URI that a value names: itself, or the result of the build operator; None for neither."""
    if isinstance(spec, Mapping):
        index = spec.get("index")
        return index if isinstance(index, str) else None
    if isinstance(spec, str) and spec.strip().rpartition("/")[2] == INDEX_NAME:
        return spec.strip()
    return None


def open_index(uri: str) -> SpecIndex:
    """Read an index.

    :raises UploadSpecError: if it is missing or malformed.
    """
    return read_index(path_of(uri))


def places_of(spec: Any) -> list[str]:
    """Give the URIs of what a spec was built from; of one that somebody wrote, where it is.

    :param spec: what :class:`~encord_provider.operators.import_data.EncordImportDataOperator` takes.
    :raises UploadSpecError: if it has an index that is missing or malformed.
    """
    if (index := index_uri_of(spec)) is not None:
        return list(open_index(index).places)
    if isinstance(spec, str):
        return [spec.strip()]
    return [] if isinstance(spec, Mapping) else list(spec)


def specs_of_index(uri: str) -> Iterator[UploadSpec]:
    """Read the parts of an index one after the other, each checked against its hash.

    :raises UploadSpecError: if a part is missing, changed or malformed.
    """
    for part in open_index(uri).parts:
        yield read_part(path_of(child(parent(uri), part.name)), sha256=part.sha256)


def parts_of(spec: Mapping[str, Any] | Sequence[str] | str, *, untouched: bool = False) -> list[ImportPart]:
    """Find the parts of a spec; a part of an index is read only when it is sent.

    :param spec: what :class:`~encord_provider.operators.import_data.EncordImportDataOperator` takes.
    :param untouched: whether a JSON spec is to be sent as it is.
    :raises UploadSpecError: if the spec is missing, malformed or empty.
    """
    spec = value_of(spec, dict, list, str, parameter="spec") or ""
    index = index_uri_of(spec)
    if index is not None:
        if untouched:
            raise UploadSpecError(
                f"{index} is the index of a spec in parts; 'untouched' sends a JSON spec of your own: give its URI."
            )
        found = open_index(index)
        parts = [
            ImportPart(
                name=part.name.removesuffix(".json"),
                sha256=part.sha256,
                units=part.units,
                skips_duplicates=found.skip_duplicate_urls,
                read=_reader(child(parent(index), part.name), part.sha256),
            )
            for part in found.parts
        ]
    elif isinstance(spec, Mapping):
        content = orjson.dumps(spec, option=orjson.OPT_SORT_KEYS)
        parts = [_given(content, "spec", source="spec", untouched=untouched)]
    else:
        uris = [spec] if isinstance(spec, str) else list(spec)
        parts = [
            _given(_read(uri), f"part-{number:05d}", source=uri, untouched=untouched)
            for number, uri in enumerate(uris)
        ]
    if not any(part.units for part in parts):
        raise UploadSpecError("The upload spec holds no data units, so there is nothing to import.")
    return parts


def _read(uri: str) -> bytes:
    try:
        return read_bytes(uri, aws_conn_id=USUAL_CONNECTION, limit=MAX_SPEC_BYTES)
    except EncordInputError as error:
        raise UploadSpecError(f"{error} Build the upload spec first.") from None


def _given(content: bytes, name: str, *, source: str, untouched: bool) -> ImportPart:
    if untouched and is_csv(source):
        raise UploadSpecError(
            f"{source} is CSV, which Encord takes from its web page only: leave out 'untouched'."
        )
    spec = parse_spec(content, source=source, allow_unknown=untouched)
    return ImportPart(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        units=len(spec.units),
        skips_duplicates=spec.skip_duplicate_urls,
        read=lambda: spec,
        as_written=content if untouched else None,
    )


def _reader(uri: str, sha256: str) -> Callable[[], UploadSpec]:
    return lambda: read_part(path_of(uri), sha256=sha256)
