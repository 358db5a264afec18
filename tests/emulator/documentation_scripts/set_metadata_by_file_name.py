# Give the data units of a dataset custom metadata by their file names, through the items behind them.
from encord import EncordUserClient

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

DATASET = "<dataset_hash>"
METADATA = {
    "image 0.jpg": {"lens": "wide"},
    "image 2.jpg": {"lens": "tele"},
}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

dataset = user_client.get_dataset(DATASET)

for row in dataset.list_data_rows():
    metadata = METADATA.get(row.title)
    if metadata is None:
        print("nothing known of", row.title)
        continue
    user_client.get_storage_item(row.backing_item_uuid).update(client_metadata=metadata)
