"""Storage folders on the wire."""

from __future__ import annotations

from typing import Any

from encord_provider.emulator.core.clock import iso
from encord_provider.emulator.storage.folders.models import Folder, Role
from encord_provider.emulator.storage.items.contents import Contents
from encord_provider.emulator.storage.media_types import MEDIA_TYPES


def folder_json(folder: Folder, role: Role | None) -> dict[str, Any]:
    """One folder as a user with ``role`` sees it."""
    return {
        "uuid": folder.uuid,
        "parent": folder.parent.uuid if folder.parent else None,
        "name": folder.name,
        "description": folder.description,
        "clientMetadata": folder.metadata,
        "owner": folder.owner,
        "createdAt": iso(folder.created_at),
        "lastEditedAt": iso(folder.edited_at),
        "userRole": role or Role.USER,
        "syncedDatasetHash": folder.synced_dataset,
        "pathToRoot": [
            {
                "uuid": step.uuid,
                "parentUuid": step.parent.uuid if step.parent else None,
                "name": step.name,
                "syncedDatasetHash": step.synced_dataset,
            }
            for step in [folder, *folder.ancestors()]
        ],
        "folderType": "cloudLinked" if folder.remote_url is not None else "generic",
        "integrationHash": folder.integration,
        "remoteUrl": folder.remote_url,
    }


def summary_json(folder: Folder, contents: Contents, *, upload_jobs: int) -> dict[str, Any]:
    """What a folder holds, without what its subfolders hold; hidden frames and files count as well."""
    summary: dict[str, Any] = {
        "files": 0,
        "folders": len(folder.children),
        **{kind.counted_as: 0 for kind in MEDIA_TYPES if kind.counted_as},
        "tombstones": 0,
        "uploadJobs": upload_jobs,
        "totalSize": 0.0,
    }
    for listed in contents:
        frames = [child for child in listed.children or () if child.hidden]
        for item in (listed, *frames):
            if item.tombstone:
                summary["tombstones"] += 1
                continue
            if item.type.counted_as:
                summary[item.type.counted_as] += 1
            if not item.children:
                summary["files"] += 1
                summary["totalSize"] += item.file_size or 0
    return summary
