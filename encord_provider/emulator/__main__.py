"""``python -m encord_provider.emulator``, for programs, and ``encord-emulator``, for people."""

import sys

from encord_provider.emulator.extra import missing_extra


def command(*, for_people: bool = True) -> int:
    """Run the emulator, or say in one line what is not installed.

    :param for_people: whether to say in words where it is, instead of in one line of JSON.
    :returns: the exit status.
    """
    if missing := missing_extra():
        print(missing, file=sys.stderr)
        return 2
    from encord_provider.emulator.cli import main

    return main(for_people=for_people)


if __name__ == "__main__":
    raise SystemExit(command(for_people=False))
