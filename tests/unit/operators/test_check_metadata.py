"""EncordCheckMetadataOperator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from encord_provider.exceptions import MetadataTableError, MetadataValueError
from encord_provider.operators.check_metadata import EncordCheckMetadataOperator
from encord_provider.operators.set_schema import EncordSetSchemaOperator
from tests.helpers.operators import run, writes

if TYPE_CHECKING:
    from encord_provider.emulator.server import EncordEmulator


@pytest.fixture
def check(encord_emulator: EncordEmulator, tmp_path: Path) -> Callable[..., Any]:
    run(EncordSetSchemaOperator(task_id="s", schema={"score": "number", "site": "varchar"}))
    encord_emulator.call(lambda store: store.requests.clear())

    def checked(metadata: Any, **arguments: Any) -> Any:
        operator = EncordCheckMetadataOperator(
            task_id="check", metadata=metadata, workspace=f"file://{tmp_path}/workspace", **arguments
        )
        return run(operator)

    return checked


def test_it_counts_rows_and_names_keys_that_are_not_declared(check: Any) -> None:
    rows = {"a.jpg": {"score": "1.5", "owner": "ann"}, "b.jpg": {"site": "oslo"}}
    assert check(rows) == {"rows": 2, "keys": ["owner", "score", "site"], "undeclared": ["owner"]}


def test_every_row_that_does_not_fit_is_in_the_file_and_the_first_are_in_the_message(
    encord_emulator: EncordEmulator, check: Any, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text("key,score\n" + "".join(f"{n}.jpg,high\n" for n in range(30)))
    with pytest.raises(MetadataValueError, match=r"30 of 30 rows do not fit.*errors\.txt") as caught:
        check(f"file://{tmp_path}/t.csv")
    assert str(caught.value).count("'score' must be a number") == 20
    (file,) = tmp_path.rglob("errors.txt")
    lines = file.read_text().splitlines()
    assert len(lines) == 30
    assert "t.csv, line 31, row '29.jpg'" in lines[-1]
    assert writes(encord_emulator) == []


def test_strict_refuses_keys_that_are_not_declared(check: Any) -> None:
    with pytest.raises(MetadataValueError, match="'owner' is not in the metadata schema"):
        check({"a.jpg": {"owner": "ann"}}, strict=True)


def test_a_malformed_table_names_the_line(check: Any, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("key,score\na.jpg,1,2\n")
    with pytest.raises(MetadataTableError, match=r"t\.csv, line 2: 3 fields"):
        check(f"file://{tmp_path}/t.csv")
