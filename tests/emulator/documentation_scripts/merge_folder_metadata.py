# Add custom metadata to some items of a folder: keys that are there get new values, all others stay.
from encord import EncordUserClient
from encord.http.bundle import Bundle

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

FOLDER = "<folder_uuid>"
UPDATES = {
    "image 0.jpg": {"n": 100, "weather": "rain"},
    "image 1.jpg": {"weather": "snow"},
}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

folder = user_client.get_storage_folder(FOLDER)
with Bundle() as bundle:
    for item in folder.list_items():
        if item.name in UPDATES:
            merged = dict(item.client_metadata)
            merged.update(UPDATES[item.name])
            item.update(client_metadata=merged, bundle=bundle)
