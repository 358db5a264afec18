# Give all data units of a dataset the same custom metadata.
from encord import EncordUserClient
from encord.client import DatasetAccessSettings

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

DATASET = "<dataset_hash>"
METADATA = {"site": "Algiers", "phase": "foundation"}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

dataset = user_client.get_dataset(DATASET)
dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))

for position, row in enumerate(dataset.data_rows):
    row.client_metadata = METADATA
    row.save()
    print(position, dict(row.client_metadata))
