"""A dataset through the official SDK: which items its data rows are, linking items, and deleting rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from encord_provider.hooks.sdk import call_sdk

if TYPE_CHECKING:
    from encord_provider.hooks.encord import EncordHook

T = TypeVar("T")


class DatasetContents:
    """The data rows of one dataset.

    The SDK gives them all in one answer, in which the whole dataset is listed.

    :param hook: the connection.
    :param uuid: the dataset.
    :raises EncordRequestError: if there is no such dataset, or the user may not see it.
    """

    def __init__(self, hook: EncordHook, uuid: str) -> None:
        self._hook = hook
        self.uuid = uuid
        self._dataset: Any = self._ask(f"read the dataset {uuid}", lambda: hook.client.get_dataset(uuid))
        self.title: str = self._dataset.title
        folder = self._dataset.backing_folder_uuid
        self.backing_folder = None if folder is None else str(folder)
        self.rows_of: Mapping[str, Sequence[str]] = _rows_of(self._dataset.data_rows)
        """UUID of an item -> the data rows that it backs."""

    @property
    def hosted(self) -> set[str]:
        """The items, of those that were there at first, whose files Encord hosts itself."""
        from encord.orm.dataset import StorageLocation

        rows = self._dataset.data_rows
        return set(_rows_of(row for row in rows if row.storage_location == StorageLocation.CORD_STORAGE))

    def read_again(self) -> None:
        """Read which data rows there are now."""
        listed = self._ask(
            f"list the data rows of dataset {self.uuid}", lambda: self._dataset.list_data_rows()
        )
        self.rows_of = _rows_of(listed)

    def link(self, items: Sequence[str]) -> set[str]:
        """Link items, but for those that are there already.

        :param items: UUIDs of items.
        :returns: those of which Encord answers the data row; it need not answer those that it skips.
        :raises EncordRequestError: if Encord refuses it.
        """
        from encord.orm.dataset import DataLinkDuplicatesBehavior

        uuids = [UUID(item) for item in items]
        # Skipping makes it safe to send again after a lost answer.
        answer = self._ask(
            f"link {len(items)} items to dataset {self.uuid}",
            lambda: self._dataset.link_items(uuids, DataLinkDuplicatesBehavior.SKIP),
        )
        return set(_rows_of(answer))

    def unlink(self, rows: Sequence[str]) -> None:
        """Delete data rows; the items behind them stay, unless Encord hosts their files.

        :param rows: UUIDs of data rows.
        :raises EncordRequestError: if Encord refuses it.
        """
        attempts = 0

        def delete() -> None:
            nonlocal attempts
            attempts += 1
            left = list(rows)
            if attempts > 1:
                # An answer was lost, and Encord refuses to delete what is gone.
                there = {str(row.uid) for row in self._dataset.list_data_rows(data_hashes=left)}
                left = [row for row in left if row in there]
            if left:
                self._dataset.delete_data(left)

        self._ask(f"delete {len(rows)} data rows of dataset {self.uuid}", delete)

    def _ask(self, what: str, action: Callable[[], T]) -> T:
        return call_sdk(action, what=what, domain=self._hook.credentials.domain, budget=self._hook.budget)


def _rows_of(rows: Iterable[Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        try:
            item = str(row.backing_item_uuid)
        except NotImplementedError:
            # A data row from before Encord kept its files as storage items (SDK, DataRow.backing_item_uuid).
            continue
        found.setdefault(item, []).append(str(row.uid))
    return found
