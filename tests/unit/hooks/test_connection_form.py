"""The connection form, through the service that feeds Airflow's web UI, and as Airflow 3.1 reads it from the hook."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from encord_provider.hooks.encord import EncordHook
from tests.helpers.versions import requires_airflow

reads_the_metadata = requires_airflow("3.2", "connection forms from the provider's metadata")


@pytest.fixture(scope="module")
def form() -> Any:
    """What the web UI gets."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    (form,) = [one for one in HookMetaService.hook_meta_data() if one.connection_type == "encord"]
    return form


@pytest.fixture
def classic_form(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The fields as Airflow 3.1 reads them: with its stand-ins for the form libraries that it does not install."""
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    wtforms, widgets = ModuleType("wtforms"), ModuleType("flask_appbuilder.fieldwidgets")
    for name in ("StringField", "PasswordField", "BooleanField", "IntegerField"):
        setattr(wtforms, name, getattr(HookMetaService, f"Mock{name}"))
    for name in ("BS3TextFieldWidget", "BS3PasswordFieldWidget"):
        setattr(widgets, name, HookMetaService.MockAnyWidget)
    monkeypatch.setitem(sys.modules, "wtforms", wtforms)
    monkeypatch.setitem(sys.modules, "flask_appbuilder", ModuleType("flask_appbuilder"))
    monkeypatch.setitem(sys.modules, "flask_appbuilder.fieldwidgets", widgets)
    return {name: field.param.dump() for name, field in EncordHook.get_connection_form_widgets().items()}


def test_the_form_has_our_name_and_fields(form: Any) -> None:
    assert form.hook_name == "Encord"
    assert form.hook_class_name == "encord_provider.hooks.encord.EncordHook"
    assert {name: field["schema"]["title"] for name, field in form.extra_fields.items()} == {
        "private_key": "Private key",
        "private_key_file": "Private key file",
        "allow_readable_key_file": "Allow a readable key file",
        "private_key_passphrase": "Passphrase",
        "bearer_token": "Bearer token",
        "domain": "API domain",
        "allow_custom_domain": "Allow a custom domain",
        "integration": "Default integration",
        "retry_seconds": "Retry budget",
    }


@reads_the_metadata
def test_the_key_has_a_field_of_several_lines_and_the_other_secrets_are_masked(form: Any) -> None:
    formats = {name: field["schema"].get("format") for name, field in form.extra_fields.items()}
    assert formats["private_key"] == "multiline"
    assert {name for name, kind in formats.items() if kind == "password"} == {
        "private_key_passphrase",
        "bearer_token",
    }


def test_airflow_redacts_the_secret_fields_when_a_connection_is_read(form: Any) -> None:
    from airflow.sdk.log import redact

    extra = dict.fromkeys(form.extra_fields, "a-value-that-nobody-masked")
    shown = redact(extra)
    assert isinstance(shown, dict)
    assert {name for name, value in shown.items() if value == "***"} >= {
        "private_key",
        "private_key_passphrase",
        "bearer_token",
    }
    assert shown["domain"] == "a-value-that-nobody-masked"


def test_the_fields_that_encord_does_not_need_are_hidden(form: Any) -> None:
    standard = form.standard_fields
    assert standard.host.hidden
    assert standard.port.hidden
    assert standard.login.hidden
    assert standard.url_schema.hidden
    assert not standard.password.hidden
    assert standard.password.title == "Private key (one line)"


def test_every_field_may_be_left_empty(form: Any) -> None:
    for field in form.extra_fields.values():
        assert "null" in field["schema"]["type"]


def test_airflow_3_1_masks_every_secret_field(classic_form: dict[str, Any]) -> None:
    masked = {name for name, field in classic_form.items() if field["schema"].get("format") == "password"}
    assert masked == {"private_key", "private_key_passphrase", "bearer_token"}


@reads_the_metadata
def test_airflow_3_1_reads_the_same_fields_from_the_hook(form: Any, classic_form: dict[str, Any]) -> None:
    def described(fields: dict[str, Any]) -> dict[str, Any]:
        return {
            name: {
                "label": field["schema"]["title"],
                "description": field.get("description"),
                "default": field.get("value"),
                "type": field["schema"]["type"],
                "format": field["schema"].get("format"),
            }
            for name, field in fields.items()
        }

    later, classic = described(form.extra_fields), described(classic_form)
    # Airflow 3.1 has no masked field of several lines, so the key goes into a masked one there.
    assert classic["private_key"].pop("format") == "password"
    assert later["private_key"].pop("format") == "multiline"
    # It knows no numbers but whole ones.
    assert classic["retry_seconds"].pop("type") == ["integer", "null"]
    assert later["retry_seconds"].pop("type") == ["number", "null"]
    assert classic == later


def test_airflow_3_1_reads_the_same_standard_fields_from_the_hook(form: Any) -> None:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    assert HookMetaService._make_standard_fields(EncordHook.get_ui_field_behaviour()) == form.standard_fields
