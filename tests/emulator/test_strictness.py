"""What a user's mistake does by default, and what it does where the emulator is told to let it pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from encord.storage import StorageFolder

    from encord_provider.emulator.server import EncordEmulator

A, B = "s3://fleet/a.jpg", "s3://fleet/b.jpg"

FITTING: dict[str, list[Any]] = {
    "speed": [1, 2.5, -3, None],
    "wet": [True, False],
    "city": ["Oslo", ""],
    "note": ["x" * 9000],
    "seen": ["2026-03-01", "20260301", "2026-03-01T06:00:00.123", "2026-03-01T06:00:00Z"],
    "id": ["0b1f6b0c-4d5e-4f8a-9c39-2f1f3f0f6a11"],
    "weather": ["rain"],
    "clip": [[0, 0.5, -1]],
    "place": [{"lat": 1, "lon": 2}, [1, 2]],
    "undeclared": ["x", 1, {"a": []}],
}
UNFIT: dict[str, list[Any]] = {
    "speed": ["1", True, [1]],
    "wet": ["true", 0],
    "city": [1, "x" * 8193],
    "note": [1],
    "seen": ["yesterday", "01/03/2026", 20260301],
    "id": ["7"],
    "weather": ["fog", 1],
    "clip": [[0, 1], [0, 1, "2"], "0,1,2"],
}


@pytest.fixture
def schema(client: Any) -> Any:
    schema = client.metadata_schema()
    for key, kind in {
        "speed": "number",
        "wet": "boolean",
        "city": "varchar",
        "note": "text",
        "seen": "datetime",
        "id": "uuid",
    }.items():
        schema.add_scalar(key, data_type=kind)
    schema.add_enum("weather", values=["rain", "sun"])
    schema.add_embedding("clip", size=3)
    schema.add_geospatial("place")
    schema.save()
    return schema


def upload(folder: StorageFolder, *units: dict[str, Any]) -> Any:
    from encord_provider.emulator.storage.integrations.models import DEFAULT_INTEGRATIONS

    aws = DEFAULT_INTEGRATIONS[0][0]
    job = folder.add_private_data_to_folder_start(aws, {"images": list(units)}, ignore_errors=True)
    return folder.add_private_data_to_folder_get_result(job)


@pytest.mark.usefixtures("schema")
class TestMetadata:
    @pytest.mark.parametrize(
        ("key", "value"), [(key, value) for key, values in FITTING.items() for value in values]
    )
    def test_that_fits_is_taken(self, folder: StorageFolder, key: str, value: Any) -> None:
        upload(folder, {"objectUrl": A, "clientMetadata": {key: value}})

        [item] = folder.list_items()
        item.update(client_metadata={"undeclared": 1, key: value})
        assert item.client_metadata == {"undeclared": 1, key: value}

    @pytest.mark.parametrize(
        ("key", "value"), [(key, value) for key, values in UNFIT.items() for value in values]
    )
    def test_that_does_not_fit_is_refused_or_kept(
        self, encord_emulator: EncordEmulator, folder: StorageFolder, key: str, value: Any
    ) -> None:
        from encord.exceptions import InvalidArgumentsError

        wrong = {"objectUrl": B, "clientMetadata": {key: value}}
        result = upload(folder, {"objectUrl": A}, wrong)
        assert (result.units_done_count, result.units_error_count) == (1, 1)
        assert repr(key) in result.unit_errors[0].error
        [item] = folder.list_items()
        with pytest.raises(InvalidArgumentsError, match=key):
            item.update(client_metadata={key: value})

        encord_emulator.change_settings(unfit_metadata="keep")

        assert upload(folder, wrong).units_done_count == 1
        item.update(client_metadata={key: value})
        assert [item.client_metadata for item in folder.list_items()] == [{key: value}] * 2


@pytest.mark.parametrize("key", ["keyframes", "$x"])
def test_a_schema_with_a_key_of_encords_own(encord_emulator: EncordEmulator, client: Any, key: str) -> None:
    from encord.exceptions import InvalidArgumentsError

    schema = client.metadata_schema()
    # The SDK looks at the names of keys; whoever speaks to the service without it is not stopped.
    schema.add_scalar("speed", data_type="number")
    schema._schema[key] = schema._schema["speed"]

    with pytest.raises(InvalidArgumentsError, match="reserved"):
        schema.save()
    encord_emulator.change_settings(reserved_schema_keys="keep")
    schema.save()

    assert key in encord_emulator.call(lambda store: store.schema.keys)


@pytest.mark.usefixtures("schema")
def test_an_embedding_keeps_its_size(client: Any) -> None:
    from encord.exceptions import InvalidArgumentsError

    schema = client.metadata_schema()
    schema._schema["clip"].root.size = 4
    schema._dirty = True

    with pytest.raises(InvalidArgumentsError, match="clip"):
        schema.save()


def test_more_items_in_one_call_than_the_sdk_sends(
    encord_emulator: EncordEmulator, client: Any, folder: StorageFolder
) -> None:
    from encord.exceptions import InvalidArgumentsError

    upload(folder, {"objectUrl": A})
    [item] = folder.list_items()
    with pytest.raises(InvalidArgumentsError, match="1,000"):
        client.get_storage_items([item.uuid] * 1001)
    encord_emulator.change_settings(max_bulk_items=0)
    assert len(client.get_storage_items([item.uuid] * 1001)) == 1001


def test_an_upload_without_a_unit(encord_emulator: EncordEmulator, folder: StorageFolder) -> None:
    from encord.exceptions import InvalidArgumentsError

    with pytest.raises(InvalidArgumentsError, match="no unit"):
        upload(folder)
    encord_emulator.change_settings(empty_uploads="accept")
    assert upload(folder).status.value == "DONE"
