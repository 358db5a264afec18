"""``python -m encord_provider.emulator``."""

from encord_provider.emulator.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
