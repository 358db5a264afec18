# Import the data of an upload spec into a folder, and wait for it.
from encord import EncordUserClient
from encord.orm.dataset import LongPollingStatus

SSH_PATH = "<private_key_path>"
DOMAIN = "<domain>"

FOLDER = "<folder_uuid>"
INTEGRATION = "<integration_title>"
SPEC = "upload_images.json"

user_client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=SSH_PATH, domain=DOMAIN)

folder = user_client.get_storage_folder(FOLDER)
integration = next(entry.id for entry in user_client.get_cloud_integrations() if entry.title == INTEGRATION)
job = folder.add_private_data_to_folder_start(
    integration_id=integration, private_files=SPEC, ignore_errors=True
)

result = folder.add_private_data_to_folder_get_result(job)
while result.status == LongPollingStatus.PENDING:
    result = folder.add_private_data_to_folder_get_result(job)

print(result.status.name, result.units_done_count, result.units_error_count)
for error in result.unit_errors:
    print(error.object_urls, error.error)
