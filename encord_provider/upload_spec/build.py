"""From listed objects to data units: select, group, join."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from encord_provider.exceptions import UploadSpecError
from encord_provider.listing.names import ObjectNames, PlaceNames
from encord_provider.listing.objects import ListedObject
from encord_provider.schema.types import MetadataSchema
from encord_provider.upload_spec.build_options import BuildOptions
from encord_provider.upload_spec.data_units import DataUnit, SkipKind, Skipped, SkippedObjects
from encord_provider.upload_spec.grouping import Group, OpenGroups, UnitFile, group_by_of
from encord_provider.upload_spec.joining import Joining, UnusableObjectError
from encord_provider.upload_spec.matches import Matches
from encord_provider.upload_spec.selecting import Selection
from encord_provider.upload_spec.sidecars import Sidecars, with_sidecars
from encord_provider.upload_spec.titles import check_template


class Build(NamedTuple):
    """An upload spec in the making.

    :param units: the data units, made as they are taken.
    :param skipped: the objects that were left out so far, each with the reason.
    :param matches: what of the tables and patterns met an object so far. Ask
        :meth:`~encord_provider.upload_spec.matches.Matches.check` when all data units have been taken.
    """

    units: Iterator[DataUnit]
    skipped: SkippedObjects
    matches: Matches


def build_units(
    objects: Iterable[ListedObject],
    *,
    url_for: Callable[[str], str],
    options: BuildOptions,
    names: ObjectNames | None = None,
    read_sidecar: Callable[[str], bytes] | None = None,
    schema: MetadataSchema | None = None,
) -> Build:
    """Make data units of listed objects, one at a time.

    Only what belongs to groups that are still open is held in memory: grouped by folder the folders above the
    current key, otherwise all grouped keys.

    An object whose key cannot be written as an object URL, or gives no title that Encord takes, is left out.

    :param objects: the objects in the order of their keys, as S3 lists them.
    :param url_for: gives the object URL of a key, see :func:`~encord_provider.listing.object_urls`.
    :param options: which objects are taken, and what becomes of them.
    :param names: finds the object that a row of a table names by URL; by default from ``url_for``.
    :param read_sidecar: reads the object at a key. With it, the client metadata of an object is also taken from
        the sidecar that the listing shows beside it, see :mod:`encord_provider.upload_spec.sidecars`.
    :param schema: the metadata schema that client metadata must fit.
    :returns: the data units, the objects that were left out so far, and what met an object so far.
    :raises UploadSpecError: for an unknown media type or title field at once; while iterating, for objects that do
        not come in the order of their keys.
    :raises MetadataValueError: while iterating, for client metadata that the schema does not accept; that of all
        sidecars at the end.
    :raises MetadataTableError: at once for two rows of one object; while iterating, for files of one group whose rows
        or sidecars disagree; at the end, for broken sidecars.
    """
    check_template(options.title, names=() if options.key_pattern is None else options.key_pattern.names)
    names = names or PlaceNames(url_for)
    matches = Matches(options, names)
    own = (names.key_of(table.source) for table in options.tables)
    selection = Selection(
        media=options.media, filters=options.filters, tables=filter(None, own), matches=matches
    )
    sidecars = None if read_sidecar is None else Sidecars(read_sidecar, schema)
    joining = Joining(options=options, matches=matches, url_for=url_for, sidecars=sidecars, schema=schema)
    groups = OpenGroups(group_by_of(options.group_by, metadata=options.metadata), joining.row_for)
    skipped = SkippedObjects()
    files = zip(objects, itertools.repeat(None)) if read_sidecar is None else with_sidecars(objects)
    units = _units(_in_order(files, skipped), selection, groups, joining, skipped)
    return Build(units, skipped, matches)


def _units(
    files: Iterable[tuple[ListedObject, str | None]],
    selection: Selection,
    groups: OpenGroups,
    joining: Joining,
    skipped: SkippedObjects,
) -> Iterator[DataUnit]:
    checked = joining.sidecars is None

    def made(group: Group) -> Iterator[DataUnit]:
        try:
            yield joining.unit(group.media_type, group.name, group.files)
        except UnusableObjectError as error:
            what = f"its {group.media_type} {group.name!r}: " if len(group.files) > 1 else ""
            for file in group.files:
                skipped.append(Skipped(file.key, f"{what}{error}", SkipKind.UNUSABLE))

    for one, sidecar in files:
        if groups.some_open:
            for group in groups.left_behind(one.key):
                yield from made(group)
        media_type = selection.media_type(one)
        if isinstance(media_type, Skipped):
            skipped.append(media_type)
            continue
        if not media_type.is_grouped and checked:
            try:
                yield joining.unit_of(media_type, one.key)
            except UnusableObjectError as error:
                skipped.append(Skipped(one.key, str(error), SkipKind.UNUSABLE))
            continue
        file = UnitFile(one.key, sidecar)
        if not media_type.is_grouped:
            yield from made(Group(media_type, one.key, [file]))
            continue
        grouped = groups.add(media_type, file)
        joining.matches.tried_group(one.key, matched=grouped)
        if not grouped:
            reason = f"belongs to no {media_type}: group_by gives it no name"
            skipped.append(Skipped(one.key, reason, SkipKind.UNSUPPORTED))
    for group in groups.rest():
        yield from made(group)
    if joining.sidecars is not None:
        joining.sidecars.finish()


def _in_order(
    files: Iterable[tuple[ListedObject, str | None]], skipped: SkippedObjects
) -> Iterator[tuple[ListedObject, str | None]]:
    """The same objects, each once.

    :raises UploadSpecError: when they do not come in the order of their keys.
    """
    previous = None
    for file in files:
        key = file[0].key
        if previous is not None and key <= previous:
            if key == previous:
                skipped.append(Skipped(key, "listed twice"))
                continue
            raise UploadSpecError(
                f"objects must come in the order of their keys, but {key!r} came after {previous!r}; "
                "a source that does not sort (a directory bucket, an inventory) must be sorted first"
            )
        previous = key
        yield file
