"""``python -m demo run`` runs the demo, ``ui`` opens it in Airflow, ``screenshots`` takes the README's pictures."""

from __future__ import annotations

import argparse
import sys


def main() -> int:
    """Run the part of the demo that the command line names; 0 means that everything agreed."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("part", choices=("run", "ui", "screenshots"))
    match parser.parse_args().part:
        case "run":
            from demo.check import run

            return run()
        case "ui":
            from demo.ui import serve

            return serve()
        case _:
            from demo.screenshots import take

            return take()


if __name__ == "__main__":
    sys.exit(main())
