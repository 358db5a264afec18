"""What OpenLineage is told of a task: which data it read, and where it went.

Nothing here is needed for a task to work. The classes of OpenLineage come with its Airflow provider, which calls the
functions that need them only where it is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from encord_provider.assets import folder_of, folder_parts

if TYPE_CHECKING:
    from airflow.sdk import Asset

    from encord_provider.hooks.encord import EncordHook


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where data is: what OpenLineage calls a dataset.

    :param namespace: the store, such as ``s3://lake`` or ``encord://api.encord.com``.
    :param name: what it is there, such as ``site=oslo`` or ``folder/<UUID>``.
    :param alias: another name of the same, or None.
    """

    namespace: str
    name: str
    alias: str | None = None

    @classmethod
    def of_uri(cls, uri: str) -> Place:
        """Give the place of a file or folder, without connection, version and secrets, which its URI may hold.

        :param uri: the URI or path.
        """
        parts = urlsplit(uri)
        if parts.scheme in ("", "file"):
            return cls(namespace="file", name=parts.path or "/")
        store = parts.netloc.rpartition("@")[2]
        return cls(namespace=f"{parts.scheme}://{store}", name=parts.path.strip("/") or "/")

    @property
    def uri(self) -> str:
        """The place as one text, from which :meth:`of_uri` makes it again."""
        return (
            f"file://{self.name}" if self.namespace == "file" else f"{self.namespace}/{self.name.lstrip('/')}"
        )

    @classmethod
    def in_encord(cls, hook: EncordHook, kind: str, uuid: str, *, named: str | None = None) -> Place:
        """Give the place of something in Encord.

        :param hook: the connection, whose domain says in which Encord it is.
        :param kind: ``folder``, ``dataset``, ``project`` or ``collection``.
        :param uuid: its UUID.
        :param named: how the task names it.
        """
        alias = "/".join((kind, *folder_parts(named))) if named else None
        name = f"{kind}/{uuid}"
        namespace = f"encord://{urlsplit(hook.credentials.domain).netloc}"
        return cls(namespace=namespace, name=name, alias=None if alias == name else alias)


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Which data a task has read, and where it went.

    :param inputs: what it has read.
    :param outputs: what it has written to.
    :param rows: how many data units, items or rows went there; None where that is not known.
    """

    inputs: Iterable[Place] = ()
    outputs: Iterable[Place] = ()
    rows: int | None = None

    def as_openlineage(self) -> Any:
        """Give the same as ``OperatorLineage`` of OpenLineage's Airflow provider."""
        from airflow.providers.common.compat.openlineage.facet import (
            InputDataset,
            OutputDataset,
            OutputStatisticsOutputDatasetFacet,
        )
        from airflow.providers.openlineage.extractors import OperatorLineage

        written: dict[str, Any] = {}
        if self.rows is not None:
            written["outputStatistics"] = OutputStatisticsOutputDatasetFacet(rowCount=self.rows)
        inputs = [
            InputDataset(namespace=one.namespace, name=one.name, facets=_facets(one))
            for one in dict.fromkeys(self.inputs)
        ]
        outputs = [
            OutputDataset(namespace=one.namespace, name=one.name, facets=_facets(one), outputFacets=written)
            for one in dict.fromkeys(self.outputs)
        ]
        return OperatorLineage(inputs=inputs, outputs=outputs)


def _facets(place: Place) -> dict[str, Any]:
    from airflow.providers.common.compat.openlineage.facet import Identifier, SymlinksDatasetFacet

    if place.alias is None:
        return {}
    named = Identifier(namespace=place.namespace, name=place.alias, type="FOLDER")
    return {"symlinks": SymlinksDatasetFacet(identifiers=[named])}


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> Any:  # noqa: ARG001 - Airflow gives it
    """Give the OpenLineage dataset of a folder's asset, the same as of the tasks that import into the folder.

    :param asset: the asset.
    :param lineage_context: who asks; not needed, as the asset names its connection.
    :returns: the dataset; None for an asset that is no folder's.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    from encord_provider.hooks.encord import EncordHook

    if (found := folder_of(asset)) is None:
        return None
    conn_id, parts = found
    hook, named = EncordHook(encord_conn_id=conn_id), "/".join(parts)
    place = Place.in_encord(hook, "folder", hook.find_folder(named), named=named)
    return Dataset(namespace=place.namespace, name=place.name, facets=_facets(place))
