"""What every Encord operator has: the connection and its hook."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseOperator

from encord_provider.hooks.encord import EncordHook


class EncordOperator(BaseOperator):  # type: ignore[misc, unused-ignore]
    """Base of the Encord operators.

    :param encord_conn_id: the Airflow connection of type ``encord``.
    """

    template_fields: tuple[str, ...] = ("encord_conn_id",)
    ui_color = "#efe7fb"

    def __init__(self, *, encord_conn_id: str = EncordHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encord_conn_id = encord_conn_id

    @cached_property
    def hook(self) -> EncordHook:
        """The hook on the operator's connection."""
        return EncordHook(encord_conn_id=self.encord_conn_id)
