"""What OpenLineage is told of a task: which data it read, and where it went.

Nothing here is needed for a task to work. The classes of OpenLineage come from its Airflow provider, which calls the
functions that need them only where it is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from encord_provider.assets import folder_of, folder_parts

if TYPE_CHECKING:
    from airflow.sdk import Asset


def folder_dataset(domain: str, folder: str) -> Any:
    """Give the OpenLineage dataset of a storage folder, such as ``folder/lake/daily`` in ``encord://api.encord.com``.

    :param domain: the API domain of the connection, which says in which Encord the folder is.
    :param folder: the folder as the task names it: UUID or name path.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    name = "/".join(("folder", *folder_parts(folder)))
    return Dataset(namespace=f"encord://{urlsplit(domain).netloc}", name=name)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:  # noqa: ARG001 - Airflow gives it
    """Give the OpenLineage dataset of a folder's asset, the same as of the tasks that import into the folder.

    :param asset: the asset.
    :param lineage_context: who asks; not needed, as the asset names its connection.
    :returns: the dataset; None for an asset that is no folder's.
    """
    from encord_provider.hooks.encord import EncordHook

    if (found := folder_of(asset)) is None:
        return None
    conn_id, parts = found
    return folder_dataset(EncordHook(encord_conn_id=conn_id).credentials.domain, "/".join(parts))
