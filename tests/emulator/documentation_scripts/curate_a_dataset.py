# From a folder to a project: collect the items that matter, make a dataset of them, and a project on it.
from encord import EncordUserClient
from encord.orm.dataset import StorageLocation

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

FOLDER = "<folder_uuid>"

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

collection = user_client.create_collection(FOLDER, name="Rainy drives", description="For the wiper model")
folder = user_client.get_storage_folder(FOLDER)
collection.add_items([item.uuid for item in folder.list_items() if item.client_metadata["n"] > 1])

created = user_client.create_dataset(
    "Rainy drives", dataset_type=StorageLocation.AWS, create_backing_folder=False
)
dataset = user_client.get_dataset(created.dataset_hash)
dataset.link_items([item.uuid for item in collection.list_items()])

project_hash = user_client.create_project("Wipers", dataset_hashes=[dataset.dataset_hash])
for label_row in user_client.get_project(project_hash).list_label_rows_v2():
    print(label_row.dataset_title, label_row.data_title)
