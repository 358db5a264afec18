# The same with a plain mapping from key to type, the way of before.
from encord import EncordUserClient

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

user_client.set_client_metadata_schema_from_dict({"captured_at": "datetime", "speed": "number"})

print(user_client.get_client_metadata_schema())
