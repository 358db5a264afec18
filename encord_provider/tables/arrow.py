"""pyarrow, which is an extra of this package."""

from __future__ import annotations

from typing import Any

from encord_provider.exceptions import EncordConfigError


def pyarrow_for(purpose: str) -> Any:
    """Import pyarrow with its readers and writers of ORC and Parquet.

    :param purpose: what needs it, for the message.
    :returns: the package.
    :raises EncordConfigError: when it is not installed.
    """
    try:
        import pyarrow  # type: ignore[import-untyped, import-not-found, unused-ignore]
        import pyarrow.orc  # type: ignore[import-untyped, import-not-found, unused-ignore]
        import pyarrow.parquet  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError:
        raise EncordConfigError(
            f"{purpose} needs pyarrow: pip install 'airflow-provider-encord[parquet]'"
        ) from None
    return pyarrow
