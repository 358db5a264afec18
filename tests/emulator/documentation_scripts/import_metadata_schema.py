# Declare the keys of the custom metadata, and read the schema back to be sure.
from encord import EncordUserClient

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

schema = user_client.metadata_schema()
schema.add_scalar("captured_at", data_type="datetime")
schema.add_scalar("speed", data_type="number")
schema.add_scalar("dark", data_type="boolean")
schema.add_enum("weather", values=["rain", "snow", "sun"])
schema.add_embedding("clip", size=512)
schema.save()

print(user_client.metadata_schema())
