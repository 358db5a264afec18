"""pyarrow, which is an extra of this package."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from encord_provider.exceptions import EncordConfigError


def pyarrow_for(purpose: str, file_format: Literal["parquet", "orc"] = "parquet") -> Any:
    """Import pyarrow with its reader and writer of a file format; not every build of it has each of them.

    :param purpose: what needs it, for the message.
    :param file_format: the file format.
    :returns: the package.
    :raises EncordConfigError: when it is not installed.
    """
    try:
        importlib.import_module(f"pyarrow.{file_format}")
        return importlib.import_module("pyarrow")
    except ImportError:
        raise EncordConfigError(
            f"{purpose} needs pyarrow: pip install 'airflow-provider-encord[parquet]'"
        ) from None
