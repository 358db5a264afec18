"""The table in docs/emulator.md is complete and says what the tests say."""

from __future__ import annotations

import subprocess
import sys

from tests.emulator.sdk import methods

OUT_OF_SCOPE = {
    "EncordUserClient.create_ontology",
    "EncordUserClient.get_ontologies",
    # Labels come in with a CVAT project.
    "EncordUserClient.create_project_from_cvat",
    "EncordUserClient.create_project_from_cvat_start",
    "EncordUserClient.create_project_from_cvat_get_result",
    # Rewrites files in the bucket by a model.
    "EncordUserClient.deidentify_dicom_files",
    "EncordUserClient.deidentify_dicom_files_start",
    "EncordUserClient.deidentify_dicom_files_get_result",
}
"""Methods that concern labels, ontologies or models, and so are not emulated."""


def covered_classes() -> list[type]:
    """The classes of which every public method must have a test."""
    from encord.collection import Collection
    from encord.dataset import Dataset
    from encord.filter_preset import FilterPreset
    from encord.group import Group
    from encord.metadata_schema import MetadataSchema
    from encord.storage import StorageFolder, StorageItem
    from encord.user_client import EncordUserClient

    return [
        EncordUserClient,
        StorageFolder,
        StorageItem,
        Dataset,
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
    wanted = set().union(*(methods.public_methods(kind) for kind in covered_classes())) - OUT_OF_SCOPE

    missing = {name for name in wanted if f"| `{name}` |" not in methods.written_table()}

    assert missing == set()
