"""Many schedules, and the table of what was found."""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.driver import UNITS_PER_SECOND, Verdict, be_quick, run, warm_up
from tests.chaos.schedules import Schedule, drawn, systematic
from tests.helpers.emulator_process import emulator

_COLUMNS = ("runs", "struck", "lost", "doubled", "left running", "wrong verdicts")


def choose(schedules: int, seed: int) -> list[Schedule]:
    """Give all systematic schedules and as many drawn ones as are missing; of fewer, an even choice of both."""
    every = list(systematic())
    if schedules >= len(every):
        return every + [drawn(seed, number) for number in range(schedules - len(every))]
    some = random.Random(seed).sample(every, schedules * 2 // 3)
    return some + [drawn(seed, number) for number in range(schedules - len(some))]


def rows_of(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], list[int]]:
    """Count by fault and place."""
    rows: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(_COLUMNS))
    for verdict in verdicts:
        row = rows[_place(verdict.schedule)]
        found = (1, verdict.struck, len(verdict.lost), len(verdict.doubled))
        found += (len(verdict.left_running), len(verdict.wrong))
        for column, count in enumerate(found):
            row[column] += count
    return dict(rows)


def _place(schedule: Schedule) -> tuple[str, str]:
    if schedule.name.startswith("drawn/"):
        return "drawn from the seed", f"{len(schedule.troubles)} faults"
    if not schedule.troubles:
        return ("cleared after success", "-") if schedule.clears else ("two runs of the day at once", "-")
    return schedule.troubles[0].event.value, schedule.troubles[0].where


def print_table(rows: dict[tuple[str, str], list[int]]) -> None:
    """Print the table with its sums."""
    lines = [[*place, *map(str, counts)] for place, counts in rows.items()]
    sums = [str(sum(counts[column] for counts in rows.values())) for column in range(len(_COLUMNS))]
    table = [["fault", "where", *_COLUMNS], *lines, ["all", "", *sums]]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for number, line in enumerate(table):
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if number in (0, len(table) - 2):
            print("  ".join("-" * width for width in widths))


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
    parser.add_argument("--schedules", type=int, default=500, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="what the drawn ones are drawn from")
    parser.add_argument("--processes", type=int, default=max(1, os.cpu_count() or 1))
    parser.add_argument("--only", help="run the schedules whose name holds this text")
    arguments = parser.parse_args()
    began = time.monotonic()
    schedules = choose(arguments.schedules, arguments.seed)
    if arguments.only:
        schedules = [schedule for schedule in schedules if arguments.only in schedule.name]
    verdicts = run_all(schedules, min(arguments.processes, len(schedules)))
    print_table(rows_of(verdicts))
    bad = [verdict for verdict in verdicts if not verdict.is_good]
    attempts = sum(verdict.attempts for verdict in verdicts)
    print(
        f"\n{len(verdicts)} schedules (seed {arguments.seed}), {attempts} attempts, "
        f"{time.monotonic() - began:.0f} s; {len(bad)} schedules show a fault of ours"
    )
    return 1 if bad else 0
