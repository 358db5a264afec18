"""All oracles, and the table of what they found."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.oracles import metadata, specs, tables, urls, windows
from tests.oracles.running import Oracle, Outcome, random_of, run

ORACLES: tuple[Oracle, ...] = (
    *urls.ORACLES,
    *metadata.ORACLES,
    *tables.ORACLES,
    *windows.ORACLES,
    *specs.ORACLES,
)


def cases_of(oracle: Oracle, cases: int) -> int:
    """How many of all cases an oracle gets; at least one."""
    return max(1, round(cases * oracle.share / sum(one.share for one in ORACLES)))


def print_table(outcomes: Sequence[tuple[str, Outcome]]) -> None:
    """Print a line for each oracle, and the sums."""
    total = Outcome(sum(one.cases for _, one in outcomes), sum(one.mismatches for _, one in outcomes))
    total.seconds = sum(one.seconds for _, one in outcomes)
    print(f"{'oracle':<32}{'cases':>10}{'mismatches':>12}{'seconds':>10}")
    for name, one in (*outcomes, ("all", total)):
        print(f"{name:<32}{one.cases:>10,}{one.mismatches:>12,}{one.seconds:>10.1f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the oracles.

    :param arguments: the command line; by default that of the process.
    :returns: 0 where all cases agree, otherwise 1.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.oracles", description="Compare with independent oracles."
    )
    parser.add_argument("--cases", type=int, default=200_000, help="how many in all (200,000)")
    parser.add_argument("--seed", type=int, default=1, help="what the cases are drawn from (1)")
    parser.add_argument("--oracle", help="only the oracles whose names have this text in them")
    parser.add_argument("--case", type=int, help="only this case of them, with the whole error")
    options = parser.parse_args(arguments)
    chosen = [one for one in ORACLES if options.oracle is None or options.oracle in one.name]
    print(f"seed {options.seed}", flush=True)
    if options.case is not None:
        for oracle in chosen:
            oracle.check(random_of(oracle, options.seed, options.case))
        return 0
    outcomes = [(one.name, run(one, cases=cases_of(one, options.cases), seed=options.seed)) for one in chosen]
    print_table(outcomes)
    first = [one for _, outcome in outcomes for one in outcome.first]
    print("\n".join(first), end="\n" if first else "")
    return 1 if first else 0
