"""What Airflow discovers about this provider.

Airflow calls :func:`get_provider_info` while it is starting, so that this module imports nothing.
The connection form is described here once; :class:`encord_provider.hooks.encord.EncordHook` makes the hook
methods that Airflow 3.1 reads from the same description.
"""

from __future__ import annotations

from typing import Any

_CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "encord",
    "hook-class-name": "encord_provider.hooks.encord.EncordHook",
    "hook-name": "Encord",
    "ui-field-behaviour": {
        "hidden-fields": ["host", "port", "schema", "login"],
        "relabeling": {"password": "Private key (one line)"},
        "placeholders": {
            "password": "Ed25519 key on one line or base64; for several lines use the field below",
        },
    },
    "conn-fields": {
        "private_key": {
            "label": "Private key",
            "description": "OpenSSH Ed25519 private key, all lines. Stored encrypted, shown masked.",
            "schema": {"type": ["string", "null"], "format": "multiline"},
        },
        "private_key_file": {
            "label": "Private key file",
            "description": "Path of the key on the workers and triggerers, readable by their user only.",
            "schema": {"type": ["string", "null"]},
        },
        "allow_readable_key_file": {
            "label": "Allow a readable key file",
            "description": "Use the key file although other users of the machine can read it.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "private_key_passphrase": {
            "label": "Passphrase",
            "description": "Only for a key that is protected by one.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "bearer_token": {
            "label": "Bearer token",
            "description": "Instead of a key.",
            "schema": {"type": ["string", "null"], "format": "password"},
        },
        "domain": {
            "label": "API domain",
            "description": "EU (https://api.encord.com, the default), US (https://api.us.encord.com), or the "
            "https address of a private deployment.",
            "schema": {"type": ["string", "null"], "default": "https://api.encord.com"},
        },
        "allow_custom_domain": {
            "label": "Allow a custom domain",
            "description": "Needed for an address outside encord.com. Loopback addresses are always allowed.",
            "schema": {"type": ["boolean", "null"], "default": False},
        },
        "integration": {
            "label": "Default integration",
            "description": "Title or UUID of the cloud integration to use where a task names none.",
            "schema": {"type": ["string", "null"]},
        },
        "retry_seconds": {
            "label": "Retry budget",
            "description": "Seconds for which Encord may be out of reach (429, 5xx, no answer) before a call or "
            "a wait is given up.",
            "schema": {"type": ["number", "null"], "minimum": 0, "default": 900},
        },
    },
}


def get_provider_info() -> dict[str, Any]:
    """Describe the provider to Airflow.

    :returns: a mapping as specified by Airflow's ``provider_info.schema.json``. ``package-name`` must be the
        name of the distribution: Airflow refuses to start otherwise.
    """
    integration = "Encord"
    return {
        "package-name": "airflow-provider-encord",
        "name": "Encord",
        "description": "`Encord <https://encord.com/>`__: register cloud objects, wait for the upload job, "
        "patch the custom metadata of items.",
        "integrations": [
            {
                "integration-name": integration,
                "external-doc-url": "https://docs.encord.com/",
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": integration, "python-modules": ["encord_provider.hooks.encord"]}],
        "operators": [
            {
                "integration-name": integration,
                "python-modules": [
                    "encord_provider.operators.set_schema",
                    "encord_provider.operators.build_upload_spec",
                    "encord_provider.operators.import_data",
                    "encord_provider.operators.patch_metadata",
                    "encord_provider.operators.read_upload_spec",
                    "encord_provider.operators.check_metadata",
                    "encord_provider.operators.export_metadata",
                    "encord_provider.operators.get_schema",
                    "encord_provider.operators.create_dataset",
                    "encord_provider.operators.link_items",
                    "encord_provider.operators.unlink_items",
                    "encord_provider.operators.attach_dataset",
                    "encord_provider.operators.export_data_rows",
                    "encord_provider.operators.sync_folder",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": integration,
                "python-modules": [
                    "encord_provider.sensors.upload_job",
                    "encord_provider.sensors.cloud_sync",
                ],
            }
        ],
        "triggers": [
            {
                "integration-name": integration,
                "python-modules": [
                    "encord_provider.triggers.upload_job",
                    "encord_provider.triggers.cloud_sync",
                    "encord_provider.triggers.folder_changed",
                ],
            }
        ],
        "connection-types": [_CONNECTION_TYPE],
        "task-decorators": [
            {"name": "encord", "class-name": "encord_provider.decorators.encord.encord_task"}
        ],
        "extra-links": [
            "encord_provider.links.EncordFolderLink",
            "encord_provider.links.EncordUploadJobsLink",
            "encord_provider.links.EncordDatasetLink",
            "encord_provider.links.EncordProjectLink",
            "encord_provider.links.EncordReportLink",
            "encord_provider.links.EncordSchemaLink",
        ],
        "asset-uris": [
            {
                "schemes": ["encord"],
                "handler": "encord_provider.assets.sanitize_uri",
                "to_openlineage_converter": "encord_provider.lineage.convert_asset_to_openlineage",
            }
        ],
        "bundles": [{"integration-name": integration, "python-modules": ["encord_provider.bundles"]}],
        "config": {
            "encord": {
                "description": "Settings of the Encord provider.",
                "options": {
                    "workspace": {
                        "description": "Where upload specs, receipts and reports are kept when a task names "
                        "no workspace: the URI of a folder that every worker reaches.",
                        "type": "string",
                        "version_added": "0.1.0",
                        "example": "s3://aws_default@my-bucket/encord",
                        "default": "",
                    },
                    "folder_address": {
                        "description": "The address of a storage folder in Encord's web app, with {folder} for its "
                        "UUID, as the browser shows it when a folder is open. Empty: the link of a task leads to the "
                        "first page of the web app.",
                        "type": "string",
                        "version_added": "0.1.0",
                        "example": "https://app.encord.com/my/path/{folder}",
                        "default": "",
                    },
                },
            }
        },
    }
