"""What the emulator needs beyond Airflow, and the one line to say when it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("starlette", "uvicorn", "cryptography", "sortedcontainers")


def missing_extra() -> str | None:
    """Say what to install where the packages of the extra ``emulator`` are missing.

    :returns: one line; None where nothing is missing.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if not missing:
        return None
    return f"The Encord emulator needs {', '.join(missing)}: pip install 'airflow-provider-encord[emulator]'"
