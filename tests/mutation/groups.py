"""The modules that are mutated, and the tests that must notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Group:
    """Modules that do one thing.

    :param name: the name of the group.
    :param modules: their paths below ``encord_provider``; a ``*`` stands for any name.
    :param tests: the paths of the tests below ``tests``; narrow, because each mutant runs those that call it.
    :param but: tests left out, as pytest's ``--deselect`` takes them, because they take long or cannot run there.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    but: tuple[str, ...] = ()


GROUPS: tuple[Group, ...] = (
    Group(
        name="window",
        modules=("workspace/window.py", "workspace/calendar.py"),
        tests=("unit/workspace/test_window.py", "unit/workspace/test_calendar.py"),
    ),
    Group(
        name="build",
        modules=tuple(
            f"upload_spec/{name}.py"
            for name in ("build", "grouping", "joining", "matches", "object_rows", "parts")
        ),
        tests=(
            "unit/upload_spec/test_build_units.py",
            "unit/upload_spec/test_media_table.py",
            "unit/upload_spec/test_parts.py",
            "unit/upload_spec/test_sidecars.py",
            "unit/upload_spec/test_unmatched.py",
            "unit/operators/test_build_joins.py",
        ),
        but=(
            "unit/upload_spec/test_parts.py::test_memory_does_not_grow_with_the_number_of_objects",
            "unit/operators/test_build_joins.py::TestSpellings::test_frames",
        ),
    ),
    Group(
        name="metadata",
        modules=("metadata/*.py",),
        tests=(
            "unit/metadata",
            "unit/operators/test_patch_metadata.py",
            "unit/operators/test_patch_metadata_scopes.py",
        ),
        but=("unit/metadata/test_patch.py::test_a_bundle_holds_a_thousand_items",),
    ),
    Group(
        name="datasets",
        modules=("datasets/*.py",),
        tests=("unit/operators/test_datasets.py", "unit/operators/test_export_data_rows.py"),
    ),
    Group(
        name="retry",
        modules=("api/retry.py", "retry_policy.py"),
        tests=("unit/api/test_transport_errors.py", "unit/api/test_retry.py", "unit/test_retry_policy.py"),
        but=(
            "unit/api/test_transport_errors.py::test_a_fault_that_passes_does_not_show",
            "unit/api/test_retry.py::test_every_pause_is_logged",
        ),
    ),
    Group(
        name="import",
        modules=("jobs/*.py",),
        tests=("unit/jobs",),
    ),
)
