# Add custom metadata to all data units of a project, through the items behind its label rows.
from encord import EncordUserClient
from encord.http.bundle import Bundle

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

PROJECT = "<project_hash>"
METADATA = {"campaign": "winter"}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

project = user_client.get_project(PROJECT)
label_rows = project.list_label_rows_v2(include_client_metadata=True)
items = user_client.get_storage_items([row.backing_item_uuid for row in label_rows])
known = {row.backing_item_uuid: row.client_metadata for row in label_rows}
with Bundle() as bundle:
    for item in items:
        item.update(client_metadata={**known[item.uuid], **METADATA}, bundle=bundle)
