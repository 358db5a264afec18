"""Many schedules, and the table of what was found."""

from __future__ import annotations

import argparse
import json
import os
import time
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.driver import UNITS_PER_SECOND, be_quick, run, warm_up
from tests.chaos.judge import Verdict
from tests.chaos.schedules import DIMENSIONS, Schedule, choose, drawn
from tests.helpers.emulator_process import emulator

_COLUMNS = ("runs", "struck", "lost", "doubled", "left running", "wrong verdict", "secret seen", "hung")
_ALL = ("all", "")


def rows_of(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], list[int]]:
    """Count by the values of each dimension; a schedule counts once in each dimension."""
    rows: dict[tuple[str, str], list[int]] = {
        (name, value): [0] * len(_COLUMNS) for name, choices in DIMENSIONS.items() for value in choices
    }
    for verdict in verdicts:
        for place in [*verdict.schedule.values.items(), _ALL]:
            row = rows.setdefault(place, [0] * len(_COLUMNS))
            for column, count in enumerate(_counts(verdict)):
                row[column] += count
    return rows


def _counts(verdict: Verdict) -> tuple[int, ...]:
    found = (
        verdict.lost,
        verdict.doubled,
        verdict.left_running,
        verdict.wrong,
        verdict.secrets,
        verdict.hung,
    )
    return (1, verdict.struck, *map(len, found))


def print_table(rows: dict[tuple[str, str], list[int]]) -> None:
    """Print the table."""
    table = [["dimension", "value", *_COLUMNS]]
    table += [[*place, *map(str, counts)] for place, counts in rows.items()]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    before = ""
    for number, line in enumerate(table):
        if number == 1 or line[0] == _ALL[0]:
            print("  ".join("-" * width for width in widths))
        shown = ["" if line[0] == before else line[0], *line[1:]]
        before = line[0]
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(shown, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def run_all(schedules: Sequence[Schedule], processes: int) -> list[Verdict]:
    """Run schedules in several processes, each with an emulator of its own."""
    with TemporaryDirectory(prefix="chaos-verdicts-") as folder:
        children = []
        for part in range(processes):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    _run_part(schedules[part::processes], Path(folder) / f"{part}.jsonl")
                    code = 0
                except BaseException:
                    traceback.print_exc()
                    raise
                finally:
                    os._exit(code)
            children.append(child)
        failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
        lines = [line for path in sorted(Path(folder).iterdir()) for line in path.read_text().splitlines()]
    by_name = {schedule.name: schedule for schedule in schedules}
    verdicts = [
        Verdict(**{**found, "schedule": by_name[found["schedule"]]}) for found in map(json.loads, lines)
    ]
    if failed or len(verdicts) != len(schedules):
        raise RuntimeError(f"only {len(verdicts)} of {len(schedules)} schedules were run to their end")
    order = {schedule.name: number for number, schedule in enumerate(schedules)}
    return sorted(verdicts, key=lambda verdict: order[verdict.schedule.name])


def _run_part(schedules: Sequence[Schedule], results: Path) -> None:
    be_quick()
    with emulator(units_per_second=UNITS_PER_SECOND) as encord, results.open("w") as out:
        warm_up(encord)
        for schedule in schedules:
            verdict = run(encord, schedule)
            print(json.dumps({**vars(verdict), "schedule": schedule.name}), file=out, flush=True)
            if not verdict.is_good:
                print(f"{schedule.name}: {verdict}", flush=True)


def main() -> int:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="what the drawn ones are drawn from")
    parser.add_argument("--processes", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--only", help="run the one schedule of this name, such as 1/17")
    arguments = parser.parse_args()
    began = time.monotonic()
    schedules = choose(arguments.schedules, arguments.seed)
    if arguments.only:
        seed, _, number = arguments.only.partition("/")
        schedules = [drawn(int(seed), int(number))]
    verdicts = run_all(schedules, min(arguments.processes, len(schedules)))
    print_table(rows_of(verdicts))
    bad = [verdict for verdict in verdicts if not verdict.is_good]
    attempts = sum(verdict.attempts for verdict in verdicts)
    print(
        f"\n{len(verdicts)} schedules (seed {arguments.seed}), {attempts} attempts, "
        f"{time.monotonic() - began:.0f} s; {len(bad)} schedules show a fault of ours"
    )
    return 1 if bad else 0
