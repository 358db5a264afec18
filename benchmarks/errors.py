"""How fast mistakes are named: an upload spec with one in each unit, and a metadata table with one in each row.

``python benchmarks/errors.py [--sizes 3200,32000]`` makes documents of so many mistakes, three times as many rows, and
prints one table in Markdown with the seconds of CPU until the first 20 are named, with the ratio of the largest size
to the smallest. The places that are named are compared with where the mistakes were made. Exits with 1 if one is wrong
or it takes more than two seconds.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from encord_provider.exceptions import EncordInputError
from encord_provider.listing import ListedObject, object_urls
from encord_provider.schema.types import MetadataSchema, Scalar, ScalarType
from encord_provider.tables.metadata_table import read_table
from encord_provider.upload_spec import BuildOptions, build_units, parse_spec

MOST_SECONDS = 2.0
NAMED = 20
ROWS = 3
"""Rows of the tables for each unit of the specs."""

Place = tuple[int, int | None]


def spec_of_lines(size: int) -> tuple[str, list[Place]]:
    """A unit on each line, with a key that does not exist."""
    units = (
        f'{{"objectUrl":"https://lake.s3.eu-west-2.amazonaws.com/{one}.jpg","titel":""}}'
        for one in range(size)
    )
    text = '{"images":[\n' + ",\n".join(units) + "\n]}"
    return text, [(line, None) for line in range(2, NAMED + 2)]


def spec_of_one_line(size: int) -> tuple[str, list[Place]]:
    """All units on one line, each with a blank in its URL."""
    urls = (f"https://lake.s3.eu-west-2.amazonaws.com/{one} .jpg" for one in range(size))
    text = json.dumps({"images": [{"objectUrl": url} for url in urls]})
    starts = [found.start() + 1 for found in re.finditer('"objectUrl"', text)]
    return text, [(1, column) for column in starts[:NAMED]]


def csv_spec(size: int) -> tuple[str, list[Place]]:
    """A line of CSV for each unit, with a blank in its URL."""
    lines = (f"https://lake.s3.eu-west-2.amazonaws.com/{one} .jpg,title\n" for one in range(size))
    return "ObjectUrl,Image title\n" + "".join(lines), [(line, None) for line in range(2, NAMED + 2)]


def table(size: int) -> tuple[str, list[Place]]:
    """A row for each object, whose number is none."""
    lines = (f"raw/{one:08d}.jpg,x{one}\n" for one in range(size * ROWS))
    return "object_key,score\n" + "".join(lines), [(line, None) for line in range(2, NAMED + 2)]


def _built(text: str, size: int) -> None:
    found = read_table(text, source="table.csv")
    objects = (ListedObject(f"raw/{one:08d}.jpg", 1) for one in range(size * ROWS))
    urls = object_urls("lake", region="eu-west-2")
    schema = MetadataSchema({"score": Scalar(ScalarType.NUMBER)})
    list(build_units(objects, url_for=urls, options=BuildOptions(metadata=found), schema=schema).units)


def _parsed(work: Callable[[str], object], text: str) -> str:
    try:
        work(text)
    except EncordInputError as error:
        return str(error)
    raise AssertionError("no mistake was found")


def measure(size: int) -> dict[str, tuple[float, bool]]:
    """Seconds, and whether the right places are named, for each kind of document."""
    works: dict[str, tuple[tuple[str, list[Place]], Callable[[str], object]]] = {
        "spec, a unit on each line": (spec_of_lines(size), lambda text: parse_spec(text, source="spec.json")),
        "spec on one line": (spec_of_one_line(size), lambda text: parse_spec(text, source="spec.json")),
        "spec as CSV": (csv_spec(size), lambda text: parse_spec(text, source="spec.csv")),
        f"metadata table, {ROWS} times the rows": (table(size), lambda text: _built(text, size)),
    }
    found = {}
    for name, ((text, places), work) in works.items():
        began = time.process_time()
        message = _parsed(work, text)
        seconds = time.process_time() - began
        named = re.findall(r"line (\d+)(?:, column (\d+))?", message)
        found[name] = (
            seconds,
            [(int(line), int(column) if column else None) for line, column in named] == places,
        )
    return found


def main() -> int:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="3200,32000", help="how many mistakes (default %(default)s)")
    sizes = [int(size) for size in parser.parse_args().sizes.split(",")]
    results = {size: measure(size) for size in sizes}
    print("| seconds of CPU | " + " | ".join(f"{size:,} units" for size in sizes) + " | ratio | places |")
    print("|---|" + "---:|" * (len(sizes) + 1) + "---|")
    good = True
    for name in results[sizes[0]]:
        figures = [results[size][name][0] for size in sizes]
        right = all(results[size][name][1] for size in sizes)
        good &= right and max(figures) <= MOST_SECONDS
        said = "right" if right else "wrong"
        print(
            f"| {name} | "
            + " | ".join(f"{one:.2f}" for one in figures)
            + f" | {figures[-1] / figures[0]:.1f} | {said} |"
        )
    return int(not good)


if __name__ == "__main__":
    raise SystemExit(main())
