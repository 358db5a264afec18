"""EncordHook: from an Airflow connection to the official SDK and to the data plane."""

from __future__ import annotations

import importlib.metadata
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from airflow.sdk.log import mask_secret

from encord_provider import __version__
from encord_provider.api.calls import get_cloud_integrations, get_metadata_schema
from encord_provider.api.client import EncordApi
from encord_provider.api.retry import RetryBudget
from encord_provider.exceptions import EncordConfigError, EncordError, EncordInputError
from encord_provider.get_provider_info import get_provider_info
from encord_provider.hooks.credentials import DOMAINS, Credentials
from encord_provider.hooks.datasets import FoundDataset, TitleFinder
from encord_provider.hooks.folders import FolderFinder
from encord_provider.hooks.names import several_named, uuid_of
from encord_provider.hooks.private_key import check_private_key
from encord_provider.hooks.web_app import WebApp
from encord_provider.metrics import call_retried
from encord_provider.schema import MetadataSchema

if TYPE_CHECKING:
    from encord.user_client import EncordUserClient

    from encord_provider.api.async_client import AsyncEncordApi

log = logging.getLogger(__name__)

_TEST_SECONDS = 15.0


class EncordHook(BaseHook):  # type: ignore[misc, unused-ignore]
    """Talk to Encord as an Airflow connection of type ``encord`` says.

    The connection holds an Ed25519 private key in OpenSSH format (the field ``private_key``, or on one line in
    the password field), or the path of a key file, or a bearer token; and the API domain, an optional
    passphrase and an optional default integration.

    :param encord_conn_id: the connection's id.
    :param retry_seconds: for how long a call goes on while Encord cannot be reached or answers 429 or 5xx; None
        for what the connection says.
    """

    conn_name_attr = "encord_conn_id"
    default_conn_name = "encord_default"
    conn_type = "encord"
    hook_name = "Encord"

    def __init__(
        self, *, encord_conn_id: str = default_conn_name, retry_seconds: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.encord_conn_id = encord_conn_id
        self._retry_seconds = retry_seconds
        self._deadline: float | None = None

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Describe the standard fields of the form to Airflow 3.1, as the provider metadata does later."""
        behaviour = _connection_type()["ui-field-behaviour"]
        return {key.replace("-", "_"): value for key, value in behaviour.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Describe our own fields of the form to Airflow 3.1, as the provider metadata does later."""
        from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
        from wtforms import BooleanField, IntegerField, PasswordField, StringField

        widgets: dict[str, Any] = {}
        for name, field in _connection_type()["conn-fields"].items():
            schema = field["schema"]
            arguments: dict[str, Any] = {
                "label": field["label"],
                "description": field["description"],
                "default": schema.get("default"),
            }
            if "boolean" in schema["type"]:
                widgets[name] = BooleanField(**arguments)
            elif "number" in schema["type"]:
                widgets[name] = IntegerField(widget=BS3TextFieldWidget(), **arguments)
            elif schema.get("format"):
                # Airflow 3.1 knows no masked field of several lines; the hook reads a key on one line too.
                widgets[name] = PasswordField(widget=BS3PasswordFieldWidget(), **arguments)
            else:
                widgets[name] = StringField(widget=BS3TextFieldWidget(), **arguments)
        return widgets

    @cached_property
    def credentials(self) -> Credentials:
        """What the connection says, checked; every spelling of its secrets is masked in the logs.

        :raises EncordConfigError: if the connection cannot be used as it is.
        """
        try:
            connection = self.get_connection(self.encord_conn_id)
        except AirflowNotFoundException:
            raise EncordConfigError(
                f"There is no Airflow connection {self.encord_conn_id!r}: add one of the type Encord, or name "
                "another as encord_conn_id."
            ) from None
        credentials = Credentials.from_connection(
            conn_id=self.encord_conn_id, password=connection.password, extra=connection.extra_dejson
        )
        for secret in credentials.secrets():
            mask_secret(secret)
        return credentials

    def get_conn(self) -> EncordUserClient:
        """Give the official SDK's client, with this provider named in its user agent.

        :raises EncordConfigError: if the connection cannot be used as it is.
        """
        return self.client

    @cached_property
    def client(self) -> EncordUserClient:
        """The official SDK's client."""
        from encord.user_client import EncordUserClient

        airflow = importlib.metadata.version("apache-airflow-core")
        common: dict[str, Any] = {
            "domain": self.credentials.domain,
            "user_agent_suffix": f"apache-airflow/{airflow} airflow-provider-encord/{__version__}",
        }
        if self.credentials.bearer_token:
            return EncordUserClient.create_with_bearer_token(self.credentials.bearer_token, **common)
        return EncordUserClient.create_with_ssh_private_key(
            self.credentials.private_key, password=self.credentials.passphrase, **common
        )

    @cached_property
    def api(self) -> EncordApi:
        """The synchronous client of the data plane."""
        return EncordApi(user_config=self.client.user_config, budget=self.budget)

    def limit(self, deadline: float | None) -> None:
        """Let no call go on after a moment, those through the official SDK included.

        :param deadline: seconds since the epoch; None for never.
        """
        self._deadline = deadline
        self.__dict__.pop("api", None)

    def async_api(self) -> AsyncEncordApi:
        """Give a new asynchronous client of the data plane, to be used with ``async with``."""
        # aiohttp costs time and memory, which only a wait needs.
        from encord_provider.api.async_client import AsyncEncordApi

        return AsyncEncordApi(user_config=self.client.user_config, budget=self.budget)

    @property
    def web_app(self) -> WebApp | None:
        """Where a person sees what is in Encord; None for a private deployment, whose address is not known."""
        return WebApp.of_domain(self.credentials.domain)

    @property
    def retry_seconds(self) -> float:
        """For how long Encord may be out of reach before a call or a wait is given up, in seconds."""
        return self.credentials.retry_seconds if self._retry_seconds is None else self._retry_seconds

    @property
    def budget(self) -> RetryBudget:
        """How much patience every call over this connection has."""
        return RetryBudget(
            seconds=self.retry_seconds,
            hint=" The connection's retry_seconds says how long to go on.",
            deadline=self._deadline,
            on_retry=call_retried,
        )

    def find_folder(self, folder: str, *, create: bool = False) -> str:
        """Find a storage folder.

        :param folder: its UUID, or its name path from the top, such as ``lake/site-a``.
        :param create: whether to create what is missing of a name path.
        :returns: its UUID.
        :raises EncordInputError: if no folder or more than one has that name.
        """
        return self.folders.find(folder, create=create)

    @property
    def folders(self) -> FolderFinder:
        """Finds storage folders by name path."""
        return FolderFinder(client=self.client, domain=self.credentials.domain, budget=self.budget)

    def find_dataset(self, dataset: str) -> str:
        """Find a dataset.

        :param dataset: its UUID or exact title.
        :returns: its UUID.
        :raises EncordInputError: if none or several have that title.
        :raises EncordRequestError: if the UUID is unknown or not permitted.
        """
        found = self.titles.dataset(dataset)
        if found is None:
            raise EncordInputError(
                f"There is no dataset {dataset.strip()!r} that this user has a role in. Create it with "
                "EncordCreateDatasetOperator, or give the UUID or exact title of another."
            )
        return found

    def create_dataset(
        self, title: str, *, description: str = "", create_backing_folder: bool = False
    ) -> FoundDataset:
        """Find a dataset, and create it where no dataset has its title.

        :param title: its exact title, or the UUID of one that is there.
        :param description: the description of a new one.
        :param create_backing_folder: whether a new one mirrors a folder that is created with it.
        :raises EncordInputError: if several have that title.
        """
        return self.titles.dataset_made(
            title, description=description, create_backing_folder=create_backing_folder
        )

    def find_project(self, project: str) -> str:
        """Find a project.

        :param project: its UUID or exact title.
        :returns: its UUID.
        :raises EncordInputError: if none or several have that title.
        :raises EncordRequestError: if the UUID is unknown or not permitted.
        """
        return self.titles.project(project)

    @property
    def titles(self) -> TitleFinder:
        """Finds datasets and projects by title."""
        return TitleFinder(client=self.client, domain=self.credentials.domain, budget=self.budget)

    def find_integration(self, integration: str | None = None) -> str | None:
        """Find a cloud integration.

        :param integration: its UUID or exact title; None or empty for the connection's default.
        :returns: its UUID, or None if neither names one (for URLs that Encord can read without).
        :raises EncordInputError: if there is no such integration, or several have that title.
        """
        named = (integration or "").strip()
        wanted = named or self.credentials.integration
        if not wanted:
            log.warning(
                "No cloud integration is named by the task or by connection %r: Encord will read the objects "
                "without any credentials, which only public or signed URLs allow.",
                self.encord_conn_id,
            )
            return None
        known = self.api.perform(get_cloud_integrations())
        uuid = uuid_of(wanted)
        matches = [one for one, title in known.items() if one == uuid or (uuid is None and title == wanted)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise several_named("integrations", wanted, matches)
        # A secret that was put into the wrong field of the connection must not be shown; the task's own text may.
        shown = (
            repr(named)
            if named
            else f"as the field 'integration' of connection {self.encord_conn_id!r} names"
        )
        titles = ", ".join(sorted(repr(title) for title in known.values())) or "none"
        raise EncordInputError(
            f"There is no integration {shown} that this user can use. There are: {titles}. Integrations are "
            "made in Encord, and registering data needs the Admin role on one."
        )

    def metadata_schema(self) -> MetadataSchema:
        """Read the organisation's metadata schema.

        :returns: the schema, deleted keys included.
        """
        return MetadataSchema.from_wire(self.api.perform(get_metadata_schema()))

    def test_connection(self) -> tuple[bool, str]:
        """Say who is connected to what, or why not.

        :returns: whether it works, and one sentence; it never holds a secret.
        """
        try:
            credentials = self.credentials
            self._retry_seconds = min(self.retry_seconds, _TEST_SECONDS)
            titles = sorted(self.api.perform(get_cloud_integrations()).values())
        except EncordError as error:
            return False, str(error)
        except Exception as error:
            return False, f"The connection could not be tested: {type(error).__name__}"
        region = {url: name.upper() for name, url in DOMAINS.items()}.get(credentials.domain, "custom domain")
        who = "a bearer token"
        if credentials.private_key:
            fingerprint = check_private_key(
                credentials.private_key, credentials.passphrase, conn_id=self.encord_conn_id
            )
            who = f"the Ed25519 key {fingerprint}"
        listed = f"{len(titles)} integrations: {', '.join(titles)}" if titles else "no integration"
        return True, f"Connected to {credentials.domain} ({region}) with {who}; it can use {listed}."


def _connection_type() -> dict[str, Any]:
    connection_type: dict[str, Any] = get_provider_info()["connection-types"][0]
    return connection_type
