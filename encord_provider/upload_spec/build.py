"""From listed objects to data units: select, group, join."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing.objects import ListedObject
from encord_provider.schema.types import MetadataSchema
from encord_provider.upload_spec.build_options import BuildOptions
from encord_provider.upload_spec.data_units import DataUnit, Skipped, SkippedObjects
from encord_provider.upload_spec.grouping import OpenGroups, UnitFile, group_by_of
from encord_provider.upload_spec.joining import Joining
from encord_provider.upload_spec.selecting import Selection
from encord_provider.upload_spec.sidecars import with_sidecars
from encord_provider.upload_spec.titles import check_template


def build_units(
    objects: Iterable[ListedObject],
    *,
    url_for: Callable[[str], str],
    options: BuildOptions,
    read_sidecar: Callable[[str], bytes] | None = None,
    schema: MetadataSchema | None = None,
) -> tuple[Iterator[DataUnit], SkippedObjects]:
    """Make data units of listed objects, one at a time.

    Only what belongs to groups that are still open is held in memory: grouped by folder the folders above the
    current key, otherwise all grouped keys.

    :param objects: the objects in the order of their keys, as S3 lists them.
    :param url_for: gives the object URL of a key, see :func:`~encord_provider.listing.object_urls`.
    :param options: which objects are taken, and what becomes of them.
    :param read_sidecar: reads the object at a key. With it, the client metadata of an object is also taken from
        the sidecar that the listing shows beside it, see :mod:`encord_provider.upload_spec.sidecars`.
    :param schema: the metadata schema that client metadata must fit.
    :returns: the data units, and the objects that were left out so far, each with the reason.
    :raises UploadSpecError: for an unknown media type or title field at once; while iterating, for a title over
        300 characters or objects that do not come in the order of their keys.
    :raises ObjectUrlError: while iterating, for a key that cannot be written as an object URL.
    :raises MetadataValueError: while iterating, for client metadata that the schema does not accept.
    :raises MetadataTableError: while iterating, for a broken sidecar, and for files of one group whose rows or
        sidecars disagree.
    """
    check_template(options.title, names=() if options.key_pattern is None else options.key_pattern.names)
    selection = Selection(
        media=options.media, filters=options.filters, tables=[table.source for table in options.tables]
    )
    joining = Joining(options=options, url_for=url_for, read_sidecar=read_sidecar, schema=schema)
    groups = OpenGroups(group_by_of(options.group_by, metadata=options.metadata), joining.row_for)
    skipped = SkippedObjects()
    files = ((one, None) for one in objects) if read_sidecar is None else with_sidecars(objects)
    return _units(_in_order(files, skipped), selection, groups, joining, skipped), skipped


def _units(
    files: Iterable[tuple[ListedObject, str | None]],
    selection: Selection,
    groups: OpenGroups,
    joining: Joining,
    skipped: SkippedObjects,
) -> Iterator[DataUnit]:
    for one, sidecar in files:
        for group in groups.left_behind(one.key):
            yield joining.unit(group.media_type, group.name, group.files)
        media_type = selection.media_type(one)
        if isinstance(media_type, Skipped):
            skipped.append(media_type)
            continue
        file = UnitFile(one.key, sidecar)
        if not media_type.is_grouped:
            yield joining.unit(media_type, one.key, [file])
        elif not groups.add(media_type, file):
            skipped.append(Skipped(one.key, f"belongs to no {media_type}: group_by gives it no name"))
    for group in groups.rest():
        yield joining.unit(group.media_type, group.name, group.files)


def _in_order(
    files: Iterable[tuple[ListedObject, str | None]], skipped: SkippedObjects
) -> Iterator[tuple[ListedObject, str | None]]:
    """The same objects, each once.

    :raises UploadSpecError: when they do not come in the order of their keys.
    """
    previous = None
    for one, sidecar in files:
        if previous is not None and one.key <= previous:
            if one.key == previous:
                skipped.append(Skipped(one.key, "listed twice"))
                continue
            raise UploadSpecError(
                f"objects must come in the order of their keys, but {one.key!r} came after {previous!r}; "
                "a source that does not sort (a directory bucket, an inventory) must be sorted first"
            )
        previous = one.key
        yield one, sidecar
