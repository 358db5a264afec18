"""MetadataSchema, and the older flat schema."""

from __future__ import annotations

import pytest

from tests.emulator.sdk.conftest import Service

pytestmark = pytest.mark.changes_organisation

ALL_METHODS = [
    "save",
    "add_embedding",
    "add_geospatial",
    "add_enum",
    "add_enum_options",
    "add_scalar",
    "set_scalar",
    "delete_key",
    "restore_key",
    "keys",
    "has_key",
    "is_key_deleted",
    "get_key_type",
    "get_embedding_size",
    "get_enum_options",
]


@pytest.mark.sdk_method(*(f"MetadataSchema.{name}" for name in ALL_METHODS), evidence="documented")
@pytest.mark.sdk_method("EncordUserClient.metadata_schema", evidence="documented")
def test_a_schema_is_saved_and_read_back(service: Service) -> None:
    schema = service.client.metadata_schema()
    schema.add_scalar("speed", data_type="number")
    schema.set_scalar("note", data_type="text")
    schema.add_enum("weather", values=["rain", "sun"])
    schema.add_enum_options("weather", values=["snow"])
    schema.add_embedding("clip", size=512)
    schema.add_geospatial("place")
    schema.add_scalar("old", data_type="varchar")
    schema.delete_key("old")
    schema.add_scalar("older", data_type="varchar")
    schema.delete_key("older", hard=True)
    schema.add_scalar("back", data_type="boolean")
    schema.delete_key("back")
    schema.restore_key("back")
    schema.save()

    read = service.client.metadata_schema()

    assert {key: read.get_key_type(key) for key in ("speed", "note", "weather", "clip", "place", "back")} == {
        "speed": "number",
        "note": "text",
        "weather": "enum",
        "clip": "embedding",
        "place": "geospatial",
        "back": "boolean",
    }
    assert set(read.get_enum_options("weather")) == {"rain", "sun", "snow"}
    assert read.get_embedding_size("clip") == 512
    assert read.is_key_deleted("old")
    assert read.is_key_deleted("older")
    assert read.has_key("back")
    assert "speed" in read.keys()  # noqa: SIM118 - a method of the SDK, not of a dict


def test_of_two_writers_the_last_one_wins(service: Service) -> None:
    first, second = service.client.metadata_schema(), service.client.metadata_schema()
    first.add_scalar("by_first", data_type="number")
    second.add_scalar("by_second", data_type="number")

    first.save()
    second.save()

    assert not service.client.metadata_schema().has_key("by_first")
    assert service.client.metadata_schema().has_key("by_second")


@pytest.mark.emulator_only
def test_there_is_no_schema_at_first(service: Service) -> None:
    assert list(service.client.metadata_schema().keys()) == []
    assert service.client.get_client_metadata_schema() is None


@pytest.mark.sdk_method(
    "EncordUserClient.set_client_metadata_schema_from_dict",
    "EncordUserClient.get_client_metadata_schema",
    evidence="inferred",
    note="deprecated by the SDK; shows the same keys as the newer form",
)
def test_the_flat_schema_and_the_newer_one_are_two_views_of_one(service: Service) -> None:
    flat = {
        "speed": "number",
        "site": "string",
        "when": "datetime",
        "text": "long_string",
        "place": "geospatial",
    }
    service.client.set_client_metadata_schema_from_dict(flat)

    assert {key: value.value for key, value in service.client.get_client_metadata_schema().items()} == flat
    assert service.client.metadata_schema().get_key_type("site") == "varchar"
