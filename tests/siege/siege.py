"""Running cases within bounds of time and memory, in processes that may die of them, and the table of what came."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import resource
import select
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

SECONDS = 5.0
"""Processor time of one case; it holds on a busy machine too."""
HUNG_SECONDS = 90.0
"""Time by the clock after which a process is ended that no signal reaches."""
MEBIBYTES = 1024
OUTCOMES = ("right", "refused", "wrong", "bare", "over time", "over memory")
HEADINGS = ("kind", "cases", "right", "refused", "wrong", "bare exceptions", "over time", "over memory")


class _TimeIsOverError(BaseException):
    """The time of a case is over; no handler of errors may take it for one."""


@dataclass
class Tally:
    """What came of the cases of a siege."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def note(self, kind: str, number: int, outcome: str, details: str) -> None:
        self.counts.setdefault(kind, Counter())[outcome] += 1
        if outcome not in ("right", "refused"):
            self.faults.append(f"{kind}:{number}: {outcome}: {details}")

    def table(self) -> Iterator[str]:
        rows = [
            (kind, str(counts.total()), *(str(counts[one]) for one in OUTCOMES))
            for kind, counts in self.counts.items()
        ]
        sums = Counter({one: sum(counts[one] for counts in self.counts.values()) for one in OUTCOMES})
        rows.append(("all", str(sums.total()), *(str(sums[one]) for one in OUTCOMES)))
        widths = [max(len(row[at]) for row in [HEADINGS, *rows]) for at in range(len(HEADINGS))]
        line = "  ".join("-" * width for width in widths)
        for row in [HEADINGS, None, *rows[:-1], None, rows[-1]]:
            yield (
                line
                if row is None
                else "  ".join(
                    text.ljust(width) if at == 0 else text.rjust(width)
                    for at, (text, width) in enumerate(zip(row, widths, strict=True))
                )
            )


def outcome_of(attack: Any, random: Random) -> tuple[str, str]:
    """Carry out one case in this process."""
    from encord_provider.api.errors import TransientAnswer
    from encord_provider.exceptions import EncordError

    def over(*_: Any) -> None:
        raise _TimeIsOverError

    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        attack(random)
        return "right", ""
    except (EncordError, TransientAnswer):
        return "refused", ""
    except _TimeIsOverError:
        return "over time", f"more than {SECONDS} s"
    except MemoryError:
        return "over memory", f"more than {MEBIBYTES} MiB"
    except AssertionError as error:
        return "wrong", _where(error)
    except Exception as error:
        return "bare", _where(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _where(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:150]!r} at {os.path.relpath(last.filename)}:{last.lineno}"


def lay_siege(kinds: dict[str, Any], cases: Sequence[tuple[str, int]], seed: int) -> Tally:
    """Carry out cases, in processes of their own that go on with the next case where one of them dies."""
    tally = Tally()
    left = list(cases)
    while left:
        done = _run_process(kinds, left, seed, tally)
        if done < len(left):
            tally.note(*left[done], "over time" if _ended else "over memory", "the process died of it")
            done += 1
        left = left[done:]
    return tally


_ended: list[str] = []
"""Why the last process was ended, if it was."""


def _run_process(kinds: dict[str, Any], cases: Sequence[tuple[str, int]], seed: int, tally: Tally) -> int:
    """Fork a process for cases; give how many of them it has ended."""
    reading, writing = os.pipe()
    _ended.clear()
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.close(reading)
            logging.disable(logging.CRITICAL)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            _limit_memory()
            with os.fdopen(writing, "w", encoding="utf-8") as out:
                for kind, number in cases:
                    outcome, details = outcome_of(kinds[kind], Random(f"{seed}:{kind}:{number}"))
                    print(
                        f"{outcome}\t{details.encode('ascii', 'backslashreplace').decode()}",
                        file=out,
                        flush=True,
                    )
            code = 0
        os._exit(code)
    os.close(writing)
    done = 0
    with os.fdopen(reading, encoding="utf-8") as answers:
        while done < len(cases):
            if not select.select([answers], [], [], HUNG_SECONDS)[0]:
                _ended.append("hung")
                os.kill(child, signal.SIGKILL)
                break
            line = answers.readline()
            if not line:
                break
            outcome, _, details = line.rstrip("\n").partition("\t")
            tally.note(*cases[done], outcome, details)
            done += 1
    os.waitpid(child, 0)
    return done


def _limit_memory() -> None:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (used,) = [int(line.split()[1]) for line in lines if line.startswith("VmData:")]
    limit = used * 1024 + MEBIBYTES * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay siege and print the table.

    :returns: 0 if every case was right or refused, otherwise 1.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.siege", description=__doc__)
    parser.add_argument(
        "--cases", type=int, default=10_000, help="how many, shared by the kinds (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides every case (default %(default)s)")
    parser.add_argument("--kind", help="only cases of this kind")
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one case, in this process, with its traceback")
    options = parser.parse_args(arguments)
    from tests.siege.kinds import KINDS

    if options.only:
        kind, _, number = options.only.rpartition(":")
        KINDS[kind](Random(f"{options.seed}:{kind}:{number}"))
        return 0
    kinds = [options.kind] if options.kind else list(KINDS)
    cases = [(kinds[number % len(kinds)], number // len(kinds)) for number in range(options.cases)]
    began = time.monotonic()
    tally = lay_siege(KINDS, sorted(cases, key=lambda case: kinds.index(case[0])), options.seed)
    print("\n".join(tally.table()))
    took = time.monotonic() - began
    print(f"\n{len(cases)} cases (seed {options.seed}), {took:.0f} s; {len(tally.faults)} faults of ours")
    for fault in tally.faults[:50]:
        print(fault)
    return 1 if tally.faults else 0
