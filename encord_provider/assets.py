"""Storage folders as Airflow assets: ``encord://encord_default/folder/lake/daily``.

Airflow imports this module wherever an asset is made, so that it imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from encord_provider.exceptions import EncordInputError

if TYPE_CHECKING:
    from airflow.sdk import Asset

_SCHEME = "encord"
_FOLDER = "/folder/"
_FORM = "encord://<connection id>/folder/<UUID or name path>"


def encord_folder_asset(folder: str, *, encord_conn_id: str = "encord_default") -> Asset:
    """Give the asset that stands for a storage folder.

    As an outlet of :class:`~encord_provider.operators.import_data.EncordImportDataOperator` or
    :class:`~encord_provider.sensors.upload_job.EncordUploadJobSensor` it is updated when data was registered; as the
    schedule of a DAG it starts a run then. Both must spell the folder alike: its UUID and its name path are two assets.

    :param folder: the folder: UUID, or name path from the top such as ``lake/site-a``. No template: Airflow knows its
        assets before anything runs.
    :param encord_conn_id: the Airflow connection, which says whose folder it is.
    :returns: the asset; its name is its URI.
    :raises EncordInputError: if it names no folder.
    """
    from airflow.sdk import Asset

    if not isinstance(folder, str) or "{{" in folder or "{%" in folder:
        raise EncordInputError(
            f"The asset of a folder needs its UUID or name path itself, not {folder!r}: Airflow knows its assets "
            "before templates are rendered."
        )
    path = "/".join(quote(part, safe="") for part in folder_parts(folder))
    return Asset(uri=f"{_SCHEME}://{quote(encord_conn_id, safe='')}{_FOLDER}{path}")


def folder_parts(folder: str) -> tuple[str, ...]:
    """Split what names a folder at its slashes: the parts of a name path, or a UUID alone, in lower case.

    :param folder: UUID or name path.
    :raises EncordInputError: if it is empty or has an empty part.
    """
    from encord_provider.hooks.folders import folder_path
    from encord_provider.hooks.names import uuid_of

    uuid = uuid_of(folder)
    return folder_path(folder) if uuid is None else (uuid,)


def folder_of(asset: Any) -> tuple[str, tuple[str, ...]] | None:
    """Tell which folder an asset stands for.

    :param asset: an asset, a reference to one, or anything else that stands among outlets.
    :returns: the connection id and the parts of the name path, or a UUID alone; None if it is no folder's.
    """
    parts = urlsplit(getattr(asset, "uri", None) or "")
    if parts.scheme != _SCHEME or not parts.path.startswith(_FOLDER):
        return None
    return unquote(parts.netloc), tuple(unquote(part) for part in parts.path.removeprefix(_FOLDER).split("/"))


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Check the URI of an asset of the scheme ``encord``; Airflow finds this through the provider's ``asset-uris``.

    :param uri: the parts of the URI.
    :returns: the same.
    :raises ValueError: if it names no folder.
    """
    path = uri.path.removeprefix(_FOLDER)
    if not uri.netloc or path == uri.path or not all(path.split("/")) or uri.query or uri.fragment:
        raise ValueError(
            f"The asset URI {uri.geturl()!r} is not of the form {_FORM}: use encord_folder_asset()."
        )
    return uri
