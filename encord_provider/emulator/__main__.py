"""``python -m encord_provider.emulator``."""

import sys

from encord_provider.emulator.extra import missing_extra


def _main() -> int:
    if missing := missing_extra():
        print(missing, file=sys.stderr)
        return 2
    from encord_provider.emulator.cli import main

    return main()


if __name__ == "__main__":
    raise SystemExit(_main())
