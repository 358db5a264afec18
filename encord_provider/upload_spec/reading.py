"""Reading an upload spec in either of Encord's forms, told apart by the name of the file."""

from __future__ import annotations

from encord_provider.upload_spec.csv_form import check_csv
from encord_provider.upload_spec.data_units import MAX_UNITS_PER_FILE, MAX_URLS_PER_FILE, UploadSpec
from encord_provider.upload_spec.json_form import check_manifest
from encord_provider.upload_spec.problems import Problem, raise_problems


def parse_spec(
    data: bytes | str, *, source: str, allow_unknown: bool = False, by_extension: bool = False
) -> UploadSpec:
    """Read an upload spec in Encord's JSON or CSV form.

    :param data: the content of the file.
    :param source: its name or URI; CSV when it ends in ``.csv``, otherwise JSON.
    :param allow_unknown: JSON: whether keys that Encord's pages do not describe are kept.
    :param by_extension: CSV: whether the extension of a URL overrides a section of videos or images.
    :returns: the upload spec.
    :raises UploadSpecError: when anything is wrong; the message names source and lines.
    """
    spec, problems = check_spec(data, source=source, allow_unknown=allow_unknown, by_extension=by_extension)
    raise_problems(problems, source)
    return spec


def check_spec(
    data: bytes | str, *, source: str, allow_unknown: bool = False, by_extension: bool = False
) -> tuple[UploadSpec, list[Problem]]:
    """Read an upload spec and collect everything that is wrong with it, the limits of one file included.

    :param data: the content of the file.
    :param source: its name or URI; CSV when it ends in ``.csv``, otherwise JSON.
    :param allow_unknown: JSON: whether keys that Encord's pages do not describe are kept.
    :param by_extension: CSV: whether the extension of a URL overrides a section of videos or images.
    :returns: what could be read, and the findings in the order of their lines.
    """
    if source.lower().endswith(".csv"):
        spec, problems = check_csv(data, by_extension=by_extension)
    else:
        spec, problems = check_manifest(data, allow_unknown=allow_unknown)
    urls = sum(len(unit.urls) for unit in spec.units)
    for count, limit, what in (
        (len(spec.units), MAX_UNITS_PER_FILE, "data units"),
        (urls, MAX_URLS_PER_FILE, "object URLs"),
    ):
        if count > limit:
            problems.append(Problem((), f"{count:,} {what} in one file, the limit is {limit:,}; divide it"))
    return spec, problems
