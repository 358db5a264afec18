"""Where a person sees in a browser what a task did: Encord's web app, or the page of the local emulator."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import conf

log = logging.getLogger(__name__)

_FOLDER = "{folder}"
_MOST_JOBS = 20
"""Upload jobs named in one address, which browsers and proxies take up to some 2,000 characters of."""


@dataclass(frozen=True, kw_only=True)
class WebApp:
    """The pages that belong to an API domain.

    :param root: the address of the first page, without a slash at its end.
    :param is_emulator: whether it is the emulator's page, which has an address for everything.
    """

    root: str
    is_emulator: bool

    @classmethod
    def of_domain(cls, domain: str) -> WebApp | None:
        """Find the web app of an API domain.

        :param domain: the API domain of a connection, such as ``https://api.us.encord.com``.
        :returns: the app; None for a private deployment, whose web app cannot be told from its API domain.
        """
        parts = urlsplit(domain)
        host = parts.hostname or ""
        if host == "localhost" or host == "::1" or host.startswith("127."):
            return cls(root=f"{parts.scheme}://{parts.netloc}", is_emulator=True)
        if host.startswith("api.") and host.endswith(".encord.com"):
            return cls(root=f"https://app.{host.removeprefix('api.')}", is_emulator=False)
        return None

    def folder(self, uuid: str) -> str:
        """Give the address of a storage folder.

        Encord documents no address for folders: without the option ``[encord] folder_address``, or with one that
        would be the same for all folders, it is the web app's first page.
        """
        if self.is_emulator:
            return f"{self.root}/#gallery/{uuid}"
        pattern = conf.get("encord", "folder_address", fallback="").strip()
        if pattern and _FOLDER not in pattern:
            _warn_of(pattern)
            return self.root
        return pattern.replace(_FOLDER, uuid) if pattern else self.root

    def upload_jobs(self, folder: str, job_ids: Iterable[str]) -> str:
        """Give the address that shows upload jobs. Encord's web app shows them with their folder."""
        if self.is_emulator:
            return f"{self.root}/#jobs/{','.join(list(job_ids)[:_MOST_JOBS])}"
        return self.folder(folder)

    def dataset(self, uuid: str) -> str:
        """Give the address of a dataset."""
        return f"{self.root}/#curation/{uuid}" if self.is_emulator else f"{self.root}/datasets/view/{uuid}"

    def project(self, uuid: str) -> str:
        """Give the address of a project."""
        if self.is_emulator:
            return f"{self.root}/#curation/{uuid}"
        return f"{self.root}/projects/view/{uuid}/summary"

    def schema(self) -> str:
        """Give the address of the metadata schema; of Encord's web app the first page, as it has none of its own."""
        return f"{self.root}/#schema" if self.is_emulator else self.root


@functools.cache  # once in a task is enough
def _warn_of(pattern: str) -> None:
    log.warning(
        "The option [encord] folder_address is %s, which has no {folder}: it would be the same address for every "
        "folder, and is not used. Put {folder} in the place of the UUID.",
        pattern,
    )
