"""The table in docs/emulator.md is complete and says what the tests say."""

from __future__ import annotations

import subprocess
import sys

from tests.emulator.sdk import methods

WITHOUT_TEST = {
    # Needs packages that the SDK does not bring along (opencv, pycocotools, shapely).
    "Project.export_coco_labels",
    # Call nothing.
    "DataRow.from_dict",
    "DataRow.from_dict_list",
}
"""Methods that no test stands for."""


def covered_classes() -> list[type]:
    """The classes of which every public method must have a test."""
    from encord.collection import Collection, ProjectCollection
    from encord.dataset import Dataset
    from encord.filter_preset import FilterPreset, ProjectFilterPreset
    from encord.group import Group
    from encord.metadata_schema import MetadataSchema
    from encord.orm.dataset import DataRow
    from encord.project import Project
    from encord.storage import StorageFolder, StorageItem
    from encord.user_client import EncordUserClient

    return [
        EncordUserClient,
        StorageFolder,
        StorageItem,
        Dataset,
        DataRow,
        Project,
        ProjectCollection,
        ProjectFilterPreset,
        Collection,
        FilterPreset,
        MetadataSchema,
        Group,
    ]


def test_the_table_is_up_to_date() -> None:
    # In a process of its own, because pytest cannot collect while it runs.
    command = "from tests.emulator.sdk import methods; m = methods.collect(); print('TABLE'); print(methods.table(m))"
    output = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    ).stdout

    assert methods.written_table() == output.partition("TABLE\n")[2].strip(), (
        "docs/emulator.md is out of date: run python -m tests.emulator.sdk.methods"
    )


def test_every_public_method_has_a_test() -> None:
    wanted = set().union(*(methods.public_methods(kind) for kind in covered_classes())) - WITHOUT_TEST

    missing = {name for name in wanted if f"| `{name}` |" not in methods.written_table()}

    assert missing == set()
