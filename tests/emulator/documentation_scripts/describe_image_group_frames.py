# Give every image of an image group custom metadata of its own.
from encord import EncordUserClient
from encord.http.bundle import Bundle

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

GROUP = "<image_group_uuid>"

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)


def metadata_of(position, image):
    return {"position": position, "file": image.name}


group = user_client.get_storage_item(GROUP)
with Bundle() as bundle:
    for position, image in enumerate(group.get_child_items()):
        image.update(client_metadata=metadata_of(position, image), bundle=bundle)
