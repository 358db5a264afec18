# Replace the custom metadata of everything in a folder, up to 1,000 items per call.
from encord import EncordUserClient
from encord.http.bundle import Bundle

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

FOLDER = "<folder_uuid>"
METADATA = {"checked": True}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

folder = user_client.get_storage_folder(FOLDER)
with Bundle() as bundle:
    for item in folder.list_items():
        item.update(client_metadata=METADATA, bundle=bundle)
