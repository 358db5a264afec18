"""The table in docs/emulator.md is complete and says what the tests say."""

from __future__ import annotations

import subprocess
import sys

from tests.emulator.sdk import methods

OUT_OF_SCOPE: set[str] = set()
"""Methods that concern labels, ontologies or models, and so are not emulated."""


def covered_classes() -> list[type]:
    """The classes of which every public method must have a test."""
    from encord.metadata_schema import MetadataSchema
    from encord.storage import StorageItem

    return [StorageItem, MetadataSchema]


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
