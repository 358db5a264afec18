"""``encord-spec``, or ``python -m encord_provider.upload_spec``: check, show and convert upload specs from a shell.

::

    encord-spec check  spec.json
    encord-spec show   spec.json
    encord-spec convert spec.csv spec.json

Exit status: 0 when the spec is fine, 1 when it is not (errors by line on standard error), 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson

from encord_provider.upload_spec.data_units import UploadSpec
from encord_provider.upload_spec.json_form import to_manifest
from encord_provider.upload_spec.reading import check_spec

_COMMAND = "encord-spec"
_URLS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    :param arguments: the command line without the program's name; by default that of the process.
    :returns: the exit status.
    """
    options = _parser().parse_args(arguments)
    try:
        data = options.file.read_bytes()
    except OSError as error:
        return _fail(f"{options.file}: {error.strerror}")
    spec, problems = check_spec(
        data,
        source=options.file.name,
        allow_unknown=options.allow_unknown,
        by_extension=options.by_extension,
    )
    if problems:
        lines = [f"{options.file}: {problem}" for problem in problems]
        return _fail("\n".join([*lines, f"{len(problems)} error{'s' * (len(problems) > 1)}"]))
    if options.command == "convert":
        if options.skip_duplicate_urls:
            spec = dataclasses.replace(spec, skip_duplicate_urls=True)
        try:
            options.out.write_bytes(orjson.dumps(to_manifest(spec), option=orjson.OPT_INDENT_2) + b"\n")
        except OSError as error:
            return _fail(f"{options.out}: {error.strerror}")
    if options.command == "show":
        print(_units(spec, most=options.most))
    print(_summary(spec))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_COMMAND if Path(sys.argv[0]).stem == _COMMAND else "python -m encord_provider.upload_spec",
        description="Check, show and convert Encord upload specs (JSON, CSV).",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check", help="read an upload spec and say what is in it, or what is wrong with it"
    )
    convert = commands.add_parser("convert", help="read an upload spec and write it as JSON")
    show = commands.add_parser("show", help="read an upload spec and list its data units")
    show.add_argument(
        "--most",
        type=_count,
        default=20,
        metavar="N",
        help="how many data units are listed (default %(default)s)",
    )
    for command in (check, convert, show):
        command.add_argument("file", type=Path, metavar="FILE", help="a JSON or CSV upload spec")
        command.add_argument(
            "--allow-unknown", action="store_true", help="keep JSON keys that Encord's pages do not describe"
        )
        command.add_argument(
            "--by-extension",
            action="store_true",
            help="CSV: let the extension of a URL override a section of videos or images",
        )
    convert.add_argument("out", type=Path, metavar="OUT", help="the JSON file to write")
    convert.add_argument(
        "--skip-duplicate-urls",
        action="store_true",
        help="let Encord leave out what the folder already holds (CSV has no way to say so)",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of data units: give 0 or more")
    return int(text)


def _units(spec: UploadSpec, *, most: int) -> str:
    """Give a paragraph for each of the first data units, and say how many are not shown."""
    lines: list[str] = []
    for unit in spec.units[:most]:
        lines.append(f"{unit.media_type.name}  {unit.title or '(no title)'}")
        lines += [f"  {url}" for url in unit.urls[:_URLS]]
        if len(unit.urls) > _URLS:
            lines.append(f"  and {len(unit.urls) - _URLS} more")
        if unit.client_metadata:
            lines.append(f"  {orjson.dumps(unit.client_metadata, option=orjson.OPT_SORT_KEYS).decode()}")
    if len(spec.units) > most:
        lines.append(f"and {len(spec.units) - most} more data units")
    return "\n".join([*lines, ""])


def _summary(spec: UploadSpec) -> str:
    units: Counter[str] = Counter()
    urls: Counter[str] = Counter()
    for unit in spec.units:
        units[unit.media_type.name] += 1
        urls[unit.media_type.name] += len(unit.urls)
    rows = [("type", "units", "urls")]
    rows += [(name, str(units[name]), str(urls[name])) for name in sorted(units)]
    rows.append(("total", str(units.total()), str(urls.total())))
    lines = [f"{name:<16}{count:>10}{files:>10}" for name, count, files in rows]
    return "\n".join([*lines, f"skip_duplicate_urls: {str(spec.skip_duplicate_urls).lower()}"])


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
