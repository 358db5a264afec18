"""Everything that an emulated Encord knows."""

from __future__ import annotations

import asyncio

from encord_provider.emulator.collections.models import Collections
from encord_provider.emulator.collections.presets import FilterPresets
from encord_provider.emulator.core.clock import Clock
from encord_provider.emulator.core.faults import Faults
from encord_provider.emulator.core.ids import Chance
from encord_provider.emulator.core.request_log import RequestLog
from encord_provider.emulator.core.settings import Settings
from encord_provider.emulator.datasets.models import Datasets
from encord_provider.emulator.organisation.groups.models import Groups
from encord_provider.emulator.organisation.schema.models import MetadataSchema
from encord_provider.emulator.organisation.tags.models import OrganisationTags
from encord_provider.emulator.organisation.users.models import User, Users
from encord_provider.emulator.projects.frame_collections import FrameCollections
from encord_provider.emulator.projects.models import Projects
from encord_provider.emulator.storage.cloud_sync.models import CloudSync
from encord_provider.emulator.storage.folders.models import Folders
from encord_provider.emulator.storage.integrations.models import Integrations
from encord_provider.emulator.storage.items.models import Items
from encord_provider.emulator.storage.jobs.models import Jobs
from encord_provider.emulator.storage.jobs.registration import Registrar
from encord_provider.emulator.storage.jobs.runner import JobRunner
from encord_provider.emulator.storage.objects.s3 import ObjectStore
from encord_provider.emulator.storage.reencoding.models import Reencodings
from encord_provider.emulator.storage.uploads.models import Uploads

FIRST_USER = "emulator@example.com"


class Store:
    """The whole state; a reset makes a new one.

    :param first_key: public key, in hexadecimal, of the user that every emulator starts with.
    :param objects: the S3 endpoint, or ``None`` to take every object to exist.
    :param seed: decides every UUID and every probability.
    """

    def __init__(
        self,
        *,
        first_key: str,
        objects: ObjectStore | None = None,
        settings: Settings | None = None,
        seed: int | None = None,
        clock_speed: float = 1.0,
    ) -> None:
        self.first_key = first_key
        self.objects = objects
        self.chance = Chance(seed)
        self.clock = Clock(speed=clock_speed)
        self.faults = Faults(self.chance.happens)
        self.requests = RequestLog()
        self.users = Users(self.chance)
        self.users.add(User(email=FIRST_USER, public_keys={first_key}, joined_at=self.clock.now()))
        self.groups = Groups(self.clock, self.chance)
        self.tags = OrganisationTags(self.chance)
        self.integrations = Integrations()
        self.items = Items(self.clock)
        self.folders = Folders(self.clock, self.chance, self.items, groups_of=self.groups.of_user)
        self.datasets = Datasets(
            clock=self.clock, chance=self.chance, folders=self.folders, groups_of=self.groups.of_user
        )
        self.items.listeners.append(self.datasets)
        self.projects = Projects(clock=self.clock, chance=self.chance, groups_of=self.groups.of_user)
        self.frame_collections = FrameCollections(self.clock, self.chance)
        self.project_presets = FilterPresets(self.clock, self.chance)
        self.presets = FilterPresets(self.clock, self.chance)
        self.collections = Collections(
            clock=self.clock, chance=self.chance, folders=self.folders, items=self.items
        )
        self.uploads = Uploads(self.chance)
        self.jobs = Jobs(self.clock, self.chance)
        self.schema = MetadataSchema(self.clock, self.chance)
        self.reencodings = Reencodings(self.clock, self.chance)
        self.cloud_sync = CloudSync(clock=self.clock, chance=self.chance, items=self.items, objects=objects)
        self.registrar = Registrar(
            clock=self.clock, chance=self.chance, items=self.items, uploads=self.uploads, objects=objects
        )
        self.runner = JobRunner(
            clock=self.clock,
            chance=self.chance,
            items=self.items,
            faults=self.faults,
            registrar=self.registrar,
            settings=settings or Settings(),
        )

        self.changes = 0
        """Counts calls that may have changed something."""

    @property
    def settings(self) -> Settings:
        """The switches in force."""
        return self.runner.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.runner.settings = settings

    def close_soon(self) -> None:
        """Stop running work; whoever waits for a job is answered. Must be called in the event loop."""
        self.wake_everybody()
        for work in (self.runner, self.cloud_sync):
            task = asyncio.ensure_future(work.stop())
            _closing.add(task)
            task.add_done_callback(_closing.discard)

    def wake_everybody(self) -> None:
        """Answer everybody who waits for a job."""
        for job in self.jobs.all():
            job.finished.set()


_closing: set[asyncio.Future[None]] = set()
