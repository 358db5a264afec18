"""The comparison that the demo and these tests rest on: it must see whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

import pytest

from demo.bucket import BUCKET, DAYS, REGION, ExpectedItem
from demo.readback import RegisteredItem, changes, differences

_IMAGE = ExpectedItem(
    kind="IMAGE", keys=("site=a/dt=2025-03-01/1 + 1.png",), day=DAYS[0], metadata={"n": 1.0}
)
_SERIES = ExpectedItem(
    kind="DICOM_SERIES",
    keys=("site=a/dt=2025-03-01/9.dcm", "site=a/dt=2025-03-01/10.dcm"),
    day=DAYS[0],
    metadata={},
)


def _item(
    kind: str,
    key: str | None,
    *,
    metadata: dict[str, object] | None = None,
    children: Sequence[RegisteredItem] = (),
) -> RegisteredItem:
    return RegisteredItem(
        uuid=str(uuid4()),
        kind=kind,
        name=key or "series",
        storage="S3",
        url=f"https://{BUCKET}.s3.{REGION}.amazonaws.com/{quote(key)}" if key else None,
        metadata=metadata or {},
        last_edited_at=datetime(2025, 3, 4, tzinfo=UTC),
        children=tuple(children),
    )


def _right() -> list[RegisteredItem]:
    children = [_item("DICOM_FILE", key) for key in _SERIES.keys]
    return [_item("IMAGE", _IMAGE.keys[0], metadata={"n": 1}), _item("DICOM_SERIES", None, children=children)]


def test_what_is_right_has_no_differences() -> None:
    assert list(differences([_IMAGE, _SERIES], _right())) == []


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda items: items[1:], "not registered: IMAGE"),
        (lambda items: [*items, items[0]], "registered more than once"),
        (lambda items: [replace(items[0], kind="VIDEO"), items[1]], "registered as VIDEO instead of IMAGE"),
        (
            lambda items: [replace(items[0], storage="DIRECT_ACCESS"), items[1]],
            "read from DIRECT_ACCESS instead of S3",
        ),
        (lambda items: [replace(items[0], metadata={"n": "1"}), items[1]], "metadata of"),
        (lambda items: [replace(items[0], metadata={}), items[1]], "metadata of"),
        (
            lambda items: [*items, _item("IMAGE", "site=a/dt=2025-03-01/x.xyz")],
            "registered, but not expected",
        ),
        (
            lambda items: [replace(items[0], url="https://elsewhere/1.png"), items[1]],
            "registered, but not expected",
        ),
        (
            lambda items: [items[0], replace(items[1], children=items[1].children[:1])],
            "registered, but not expected",
        ),
        (
            lambda items: [items[0], replace(items[1], children=items[1].children[::-1])],
            "registered, but not expected",
        ),
    ],
)
def test_a_wrong_item_is_named(
    break_it: Callable[[Sequence[RegisteredItem]], Sequence[RegisteredItem]], said: str
) -> None:
    found = list(differences([_IMAGE, _SERIES], break_it(_right())))
    assert any(said in line for line in found), found


def test_a_changed_an_added_and_a_removed_item_are_changes() -> None:
    first, second = _right()
    touched = replace(first, last_edited_at=datetime(2025, 3, 5, tzinfo=UTC))
    new = _item("IMAGE", "new.png")
    assert sorted(line.split(":")[0] for line in changes([first, second], [touched, new])) == [
        "added",
        "changed",
        "removed",
    ]
    assert list(changes([first, second], [first, second])) == []
