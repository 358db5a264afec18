# Mark frames of interest in videos of a folder, without losing the metadata that the videos have.
from encord import EncordUserClient
from encord.http.bundle import Bundle
from encord.orm.storage import StorageItemType

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

FOLDER = "<folder_uuid>"
KEY_FRAMES = {"drive.mp4": [0, 25, 50]}

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

folder = user_client.get_storage_folder(FOLDER)
with Bundle() as bundle:
    for item in folder.list_items(item_types=[StorageItemType.VIDEO]):
        if item.name in KEY_FRAMES:
            metadata = {**item.client_metadata, "keyframes": KEY_FRAMES[item.name]}
            item.update(client_metadata=metadata, bundle=bundle)
