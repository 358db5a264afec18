"""Cloud-synced folders: what one mirrors, its sidecar files, and the verdict on a synchronisation."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from encord_provider.api.calls import get_folder, get_folder_config, get_folder_summary, save_folder_config
from encord_provider.api.cloud_sync import CloudSync
from encord_provider.api.upload_job import JobState
from encord_provider.exceptions import (
    EncordInputError,
    UploadJobCancelledError,
    UploadJobFailedError,
    UploadJobTimeoutError,
)
from encord_provider.hooks.folders import folder_path
from encord_provider.hooks.names import uuid_of

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook

log = logging.getLogger(__name__)

SIDECAR_SUFFIX = ".metadata.json"
"""What sidecar files end with unless told otherwise (Encord SDK, ``SidecarMatcherSuffix``)."""

_LONGEST_SUFFIX = 128
_CLOUD_SYNCED = "cloudLinked"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """What a folder is to mirror.

    :param folder: UUID or name.
    :param remote_url: the bucket or prefix, with a slash at its end; None for whatever the folder mirrors.
    :param integration: UUID or title of the cloud integration; None for the connection's default.
    :raises EncordInputError: if the remote URL has no slash at its end.
    """

    folder: str
    remote_url: str | None = None
    integration: str | None = None

    def __post_init__(self) -> None:
        if self.remote_url is not None and not self.remote_url.endswith("/"):
            raise EncordInputError(
                f"The remote URL {self.remote_url!r} has no slash at its end: it is the URL of a bucket or prefix, "
                "such as s3://lake/site-a/."
            )

    def prepare(self, hook: EncordHook) -> str:
        """Find the folder, and create it where it is missing.

        :param hook: the connection.
        :returns: its UUID.
        :raises EncordInputError: if it mirrors something else or nothing, or cannot be created; nothing was changed.
        """
        there = hook.folders.there(self.folder)
        if there is not None:
            self._check(hook, there)
            return there
        if self.remote_url is None:
            raise EncordInputError(
                f"There is no folder {self.folder!r} that this user can see, and no remote_url to create it with."
            )
        parts = folder_path(self.folder)
        if len(parts) > 1:
            raise EncordInputError(
                f"There is no folder {self.folder!r}, and Encord creates cloud-synced folders at the top only: give a "
                f"name such as {parts[-1]!r}."
            )
        integration = hook.find_integration(self.integration)
        if integration is None:
            raise EncordInputError(
                "A cloud-synced folder needs a cloud integration: name it in the task or in the connection."
            )
        created = hook.folders.create_synced(parts[0], remote_url=self.remote_url, integration=integration)
        # Another task may have created it a moment ago.
        self._check(hook, created)
        log.info("The folder %s (%s) mirrors %s.", self.folder, created, self.remote_url)
        return created

    def _check(self, hook: EncordHook, folder: str) -> None:
        known = hook.api.perform(get_folder(folder))
        if known.get("folderType") != _CLOUD_SYNCED:
            raise EncordInputError(
                f"The folder {self.folder!r} ({folder}) is not cloud-synced, and cannot become so: give another name."
            )
        mirrored = known.get("remoteUrl")
        if self.remote_url is not None and mirrored != self.remote_url:
            raise EncordInputError(
                f"The folder {self.folder!r} ({folder}) mirrors {mirrored}, not {self.remote_url}. Encord cannot "
                "change that: give another name."
            )
        if self.integration:
            wanted, used = hook.find_integration(self.integration), uuid_of(str(known.get("integrationHash")))
            if wanted != used:
                raise EncordInputError(
                    f"The folder {self.folder!r} ({folder}) uses the integration {used}, not {wanted}. Encord cannot "
                    "change that: give another name."
                )


def check_suffix(suffix: str) -> str:
    """Refuse what cannot be the end of the names of sidecar files.

    :param suffix: the end.
    :raises EncordInputError: if it is empty or too long.
    """
    if not 1 <= len(suffix) <= _LONGEST_SUFFIX:
        raise EncordInputError(
            f"The end of sidecar files has 1 to {_LONGEST_SUFFIX} characters, and {suffix!r} has {len(suffix)}."
        )
    return suffix


def set_sidecars(hook: EncordHook, folder: str, *, read: bool, suffix: str) -> bool:
    """Turn the reading of sidecar files on or off, and keep all other settings of the folder.

    :param hook: the connection.
    :param folder: UUID of the folder.
    :param read: whether their content becomes client metadata. Turned off, files that were sidecars stay such.
    :param suffix: what they end with, where they are read.
    :returns: whether anything was changed.
    """
    config = hook.api.perform(get_folder_config(folder))
    before: Mapping[str, Any] | None = config.get("metadataIngestion")
    if read:
        after: Mapping[str, Any] | None = {"matcher": {"mode": "suffix", "suffix": suffix}, "paused": False}
    else:
        after = None if before is None else {**before, "paused": True}
    if _said(before) == _said(after):
        return False
    hook.api.perform(save_folder_config(folder, {**config, "metadataIngestion": after}))
    return True


def _said(ingestion: Mapping[str, Any] | None) -> tuple[str, bool] | None:
    if ingestion is None:
        return None
    matcher = ingestion.get("matcher") or {}
    return str(matcher.get("suffix", SIDECAR_SUFFIX)), bool(ingestion.get("paused", False))


def judge(sync: CloudSync, *, folder: str, max_failed_units: int) -> None:
    """Raise unless a synchronisation is a success within what the user allowed.

    :param sync: the synchronisation.
    :param folder: UUID of the folder, for the message.
    :param max_failed_units: how many failed files still count as success.
    :raises UploadJobCancelledError: if somebody cancelled it.
    :raises UploadJobFailedError: if it ended in an error, pages of the bucket could not be read, or more files failed.
    :raises UploadJobTimeoutError: if it has not ended.
    """
    units, pages = sync.units, sync.pages
    done = f"{units.done} files are synchronised"
    if sync.state is JobState.PENDING:
        raise UploadJobTimeoutError(
            f"The synchronisation of folder {folder} has not ended in time, and goes on: {done}, {units.pending} wait."
        )
    if sync.state is JobState.CANCELLED:
        raise UploadJobCancelledError(f"The synchronisation of folder {folder} was cancelled: {done}.")
    if sync.state is JobState.ERROR or pages.failed:
        raise UploadJobFailedError(
            f"The synchronisation of folder {folder} failed: {pages.failed} of {pages.total} pages of the bucket could "
            f"not be read; {done}. Check that the integration may list the bucket, and that it is there."
        )
    if units.failed > max_failed_units:
        raise UploadJobFailedError(
            f"{units.failed} files of folder {folder} failed, {max_failed_units} allowed; {done}. Encord says which in "
            "its web app only."
        )


def summary_of(hook: EncordHook, sync: CloudSync, *, folder: str, sync_id: str) -> dict[str, Any]:
    """Give what a task returns of a synchronisation.

    :param hook: the connection.
    :param sync: the synchronisation.
    :param folder: UUID of the folder.
    :param sync_id: its own UUID.
    :returns: ``{"status", "folder", "sync", "units", "pages", "files", "tombstones"}``.
    """
    counts = hook.api.perform(get_folder_summary(folder))
    tombstones = int(counts.get("tombstones", 0))
    if tombstones:
        log.warning("The objects of %d items of folder %s are gone from the bucket.", tombstones, folder)
    files = int(counts.get("files", 0))
    if not files and not sync.units.total:
        log.warning("The folder %s has no items: is there anything below what it mirrors?", folder)
    return {
        "status": sync.state.value,
        "folder": folder,
        "sync": sync_id,
        "units": sync.units.as_dict(),
        "pages": sync.pages.as_dict(),
        "files": files,
        "tombstones": tombstones,
    }
