# Give one data unit of a dataset custom metadata, in place of what it has.
from encord import EncordUserClient
from encord.client import DatasetAccessSettings

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

DATASET = "<dataset_hash>"
POSITION = 1
METADATA = {"weather": "rain"}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

dataset = user_client.get_dataset(DATASET)
dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))

row = dataset.data_rows[POSITION]
row.client_metadata = METADATA
row.save()
print(dict(row.client_metadata))
