"""Every kind of thing that the emulator knows. A new one adds its line here, and a folder of its own."""

from __future__ import annotations

from encord_provider.emulator.collections import frame_routes as frames
from encord_provider.emulator.collections import routes as collections
from encord_provider.emulator.core.entity import Entity
from encord_provider.emulator.datasets import routes as datasets
from encord_provider.emulator.organisation.groups import routes as groups
from encord_provider.emulator.organisation.schema import routes as schema
from encord_provider.emulator.organisation.tags import routes as tags
from encord_provider.emulator.organisation.users import routes as users
from encord_provider.emulator.projects import routes as projects
from encord_provider.emulator.storage.cloud_sync import routes as cloud_sync
from encord_provider.emulator.storage.folders import routes as folders
from encord_provider.emulator.storage.integrations import routes as integrations
from encord_provider.emulator.storage.items import routes as items
from encord_provider.emulator.storage.jobs import routes as jobs
from encord_provider.emulator.storage.objects import routes as objects
from encord_provider.emulator.storage.reencoding import routes as reencoding
from encord_provider.emulator.storage.uploads import routes as uploads

ENTITIES: list[Entity] = [
    users.ENTITY,
    groups.ENTITY,
    tags.ENTITY,
    schema.ENTITY,
    integrations.ENTITY,
    folders.ENTITY,
    objects.ENTITY,
    uploads.ENTITY,
    items.ENTITY,
    jobs.ENTITY,
    jobs.RUNNER,
    cloud_sync.ENTITY,
    reencoding.ENTITY,
    datasets.ENTITY,
    datasets.DATA_ROWS,
    projects.ENTITY,
    collections.PRESETS,
    collections.ENTITY,
    frames.ENTITY,
    frames.PRESETS,
]
"""In an order in which each needs and refers to only those before it: that is how they are made and restored."""
