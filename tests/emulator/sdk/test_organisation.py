"""Users, groups and tags of the organisation, and groups of folders and datasets, through the SDK."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from tests.emulator.sdk.conftest import Service
from tests.emulator.sdk.things import add_colleague

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.changes_organisation


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "EncordUserClient.list_organisation_users",
    "EncordUserClient.add_organisation_user",
    "EncordUserClient.remove_organisation_user",
    evidence="documented",
)
def test_users_are_added_listed_and_removed(service: Service) -> None:
    from encord.exceptions import InvalidArgumentsError, ResourceExistsError, ResourceNotFoundError

    client = service.client
    email = "new+one@example.com"
    client.add_organisation_user(email, role_mnemonic_name="TASKER", member_type="external")

    [user] = [user for user in client.list_organisation_users() if user.email == email]
    assert (user.role_mnemonic_name, user.member_type) == ("TASKER", "external")
    with pytest.raises(ResourceExistsError):
        client.add_organisation_user(email, role_mnemonic_name="MEMBER", member_type="internal")
    with pytest.raises(InvalidArgumentsError, match="internal"):
        client.add_organisation_user("x@y.z", role_mnemonic_name="ADMIN", member_type="external")

    client.remove_organisation_user(email)
    assert email not in [user.email for user in client.list_organisation_users()]
    with pytest.raises(ResourceNotFoundError):
        client.remove_organisation_user(email)


@pytest.mark.emulator_only
def test_a_user_who_was_added_by_a_colleague_gets_a_key(service: Service, encord_emulator) -> None:
    from encord import EncordUserClient

    email = "colleague@example.com"
    service.client.add_organisation_user(email, role_mnemonic_name="MEMBER", member_type="internal")
    control = f"{encord_emulator.url}/_emulator/users"

    answer = requests.post(control, json={"email": email}, timeout=10).json()

    client = EncordUserClient.create_with_ssh_private_key(answer["privateKey"], domain=encord_emulator.url)
    assert client.get_cloud_integrations()
    assert answer["role"] == "MEMBER"
    assert requests.post(control, json={"email": email, "role": "ADMIN"}, timeout=10).status_code == 409


@pytest.mark.emulator_only
def test_a_removed_user_can_no_longer_log_in(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthenticationError

    colleague = add_colleague(encord_emulator)
    assert colleague.get_cloud_integrations()

    service.client.remove_organisation_user("colleague@example.com")

    with pytest.raises(AuthenticationError):
        colleague.get_cloud_integrations()


@pytest.mark.emulator_only
def test_only_admins_change_who_belongs_to_the_organisation(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError

    colleague = add_colleague(encord_emulator)

    with pytest.raises(AuthorisationError):
        colleague.add_organisation_user("x@y.z", role_mnemonic_name="MEMBER", member_type="internal")
    with pytest.raises(AuthorisationError):
        colleague.remove_organisation_user("emulator@example.com")
    with pytest.raises(AuthorisationError):
        colleague.create_organisation_tag("mine")


@pytest.mark.sdk_method(
    "EncordUserClient.create_group",
    "EncordUserClient.get_group",
    "EncordUserClient.list_groups",
    "EncordUserClient.delete_group",
    "Group.update_group",
    evidence="documented",
)
def test_groups_are_made_changed_and_deleted(service: Service) -> None:
    from encord.exceptions import ResourceNotFoundError

    group = service.client.create_group(f"labellers {uuid.uuid4()}", "of oslo")
    group.update_group(description="of bergen")

    again = service.client.get_group(str(group.group_hash))
    assert (again.name, again.description) == (group.name, "of bergen")
    assert group.group_hash in [entry.group_hash for entry in service.client.list_groups()]

    service.client.delete_group(group.group_hash)
    with pytest.raises(ResourceNotFoundError):
        service.client.get_group(group.group_hash)


@pytest.mark.emulator_only
@pytest.mark.sdk_method("Group.add_users", "Group.list_users", "Group.remove_users", evidence="documented")
def test_only_members_of_the_organisation_join_a_group(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError

    add_colleague(encord_emulator)
    group = service.client.create_group("labellers")

    with pytest.raises(AuthorisationError):
        group.add_users(["stranger@example.com"])
    everybody = [user.user_email for user in group.add_users(["colleague@example.com"])]

    assert "colleague@example.com" in everybody
    assert [user.user_email for user in group.list_users()] == everybody
    group.remove_users(["colleague@example.com", "nobody@example.com"])
    assert "colleague@example.com" not in [user.user_email for user in group.list_users()]


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "StorageFolder.add_group",
    "StorageFolder.list_groups",
    "StorageFolder.remove_group",
    evidence="documented",
)
def test_a_group_opens_a_folder_for_its_members(service: Service, top, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.storage import StorageUserRole

    colleague = add_colleague(encord_emulator)
    group = service.client.create_group("labellers")
    group.add_users(["colleague@example.com"])
    with pytest.raises(AuthorisationError):
        colleague.get_storage_folder(top.uuid)

    top.add_group(group.group_hash, StorageUserRole.USER)

    assert [(entry.name, entry.user_role) for entry in top.list_groups()] == [
        ("labellers", StorageUserRole.USER)
    ]
    assert colleague.get_storage_folder(top.uuid).name == top.name
    with pytest.raises(AuthorisationError, match="admin role"):
        colleague.get_storage_folder(top.uuid).update(name="mine now")
    top.add_group([group.group_hash], StorageUserRole.ADMIN)
    colleague.get_storage_folder(top.uuid).update(name="mine now")

    top.remove_group(group.group_hash)
    assert list(top.list_groups()) == []
    with pytest.raises(AuthorisationError):
        colleague.get_storage_folder(top.uuid)


@pytest.mark.emulator_only
def test_a_deleted_group_closes_what_it_had_opened(service: Service, top, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.storage import StorageUserRole

    colleague = add_colleague(encord_emulator)
    group = service.client.create_group("labellers")
    group.add_users(["colleague@example.com"])
    top.add_group(group.group_hash, StorageUserRole.ADMIN)

    service.client.delete_group(group.group_hash)

    assert list(top.list_groups()) == []
    with pytest.raises(AuthorisationError):
        colleague.get_storage_folder(top.uuid)


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Dataset.add_users", "Dataset.list_users", "Dataset.remove_users", evidence="documented"
)
def test_users_of_a_dataset(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.dataset import DatasetUserRole, StorageLocation

    colleague = add_colleague(encord_emulator)
    created = service.client.create_dataset("Trucks", StorageLocation.AWS, create_backing_folder=False)
    dataset = service.client.get_dataset(created.dataset_hash)
    with pytest.raises(AuthorisationError):
        colleague.get_dataset(created.dataset_hash)

    [added] = dataset.add_users(["colleague@example.com"], DatasetUserRole.USER)
    [kept] = dataset.add_users(["colleague@example.com"], DatasetUserRole.ADMIN)

    assert (added.user_role, kept.user_role) == (DatasetUserRole.USER, DatasetUserRole.USER)
    assert {user.user_email: user.user_role for user in dataset.list_users()} == {
        "emulator@example.com": DatasetUserRole.ADMIN,
        "colleague@example.com": DatasetUserRole.USER,
    }
    theirs = colleague.get_dataset(created.dataset_hash)
    [listed] = colleague.get_datasets()
    assert (theirs.title, listed["user_role"]) == ("Trucks", DatasetUserRole.USER)
    with pytest.raises(AuthorisationError):
        theirs.delete_data([str(uuid.uuid4())])

    dataset.remove_users(["colleague@example.com", "nobody@example.com"])
    with pytest.raises(AuthorisationError):
        colleague.get_dataset(created.dataset_hash)


@pytest.mark.emulator_only
@pytest.mark.sdk_method(
    "Dataset.add_group", "Dataset.list_groups", "Dataset.remove_group", evidence="documented"
)
def test_groups_of_a_dataset(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.dataset import DatasetUserRole, StorageLocation

    colleague = add_colleague(encord_emulator)
    group = service.client.create_group("labellers")
    group.add_users(["colleague@example.com"])
    created = service.client.create_dataset("Trucks", StorageLocation.AWS, create_backing_folder=False)
    dataset = service.client.get_dataset(created.dataset_hash)

    dataset.add_group(group.group_hash, DatasetUserRole.USER)

    assert [(entry.name, entry.user_role) for entry in dataset.list_groups()] == [
        ("labellers", DatasetUserRole.USER)
    ]
    assert colleague.get_dataset(created.dataset_hash).title == "Trucks"
    dataset.remove_group([group.group_hash])
    assert list(dataset.list_groups()) == []
    with pytest.raises(AuthorisationError):
        colleague.get_dataset(created.dataset_hash)


@pytest.mark.sdk_method(
    "EncordUserClient.list_organisation_tags",
    "EncordUserClient.create_organisation_tag",
    "EncordUserClient.delete_organisation_tag",
    evidence="documented",
)
@pytest.mark.sdk_method(
    "EncordUserClient.list_project_tags", evidence="documented", note="deprecated by the SDK"
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tags_are_made_listed_and_deleted(service: Service) -> None:
    from encord.exceptions import ResourceExistsError, ResourceNotFoundError

    client = service.client
    name = f"tag {uuid.uuid4()}"
    tag = client.create_organisation_tag(name, "for the demo")

    assert tag in client.list_organisation_tags()
    assert tag in client.list_project_tags()
    with pytest.raises(ResourceExistsError):
        client.create_organisation_tag(name)

    client.delete_organisation_tag(tag_name=name)
    assert tag not in client.list_organisation_tags()
    with pytest.raises(ResourceNotFoundError):
        client.delete_organisation_tag(tag)


@pytest.mark.emulator_only
def test_folders_are_listed_by_tags(service: Service, top, encord_emulator) -> None:
    tag = service.client.create_organisation_tag("night")
    service.client.create_storage_folder("untagged")
    encord_emulator.call(lambda store: store.folders.get(str(top.uuid)).tags.append("night"))

    tagged = service.client.list_storage_folders(organisation_tags_allof=["night"])
    assert [folder.uuid for folder in tagged] == [top.uuid]

    service.client.delete_organisation_tag(tag)
    assert encord_emulator.call(lambda store: store.folders.get(str(top.uuid)).tags) == []


@pytest.mark.emulator_only
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_admins_list_what_others_made_if_they_ask_for_it(service: Service, encord_emulator) -> None:
    from encord.exceptions import AuthorisationError
    from encord.orm.dataset import StorageLocation

    colleague = add_colleague(encord_emulator)
    created = colleague.create_dataset("theirs", StorageLocation.AWS, create_backing_folder=False)
    project = colleague.create_project("theirs too", [created.dataset_hash])

    assert service.client.get_datasets() == []
    assert list(service.client.list_projects()) == []
    [listed] = service.client.get_datasets(include_org_access=True)
    assert (listed["dataset"].dataset_hash, listed["user_role"]) == (created.dataset_hash, None)
    [seen] = service.client.list_projects(include_org_access=True)
    assert (seen.project_hash, seen.user_role) == (project, None)
    assert service.client.get_dataset(created.dataset_hash).title == "theirs"
    with pytest.raises(AuthorisationError):
        colleague.get_datasets(include_org_access=True)
    with pytest.raises(AuthorisationError):
        list(colleague.list_projects(include_org_access=True))
