"""``python -m demo run`` runs the demo, ``ui`` opens it in Airflow, ``screenshots`` takes the README's pictures."""

from __future__ import annotations

import argparse
import signal
import sys


def main() -> int:
    """Run the part of the demo that the command line names; 0 means that everything agreed."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("part", choices=("run", "ui", "screenshots"))
    part = parser.parse_args().part
    # Whoever ends the demo, the services it started end with it; a shell's background job ignores Ctrl-C by default.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    match part:
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
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Stopped.")
