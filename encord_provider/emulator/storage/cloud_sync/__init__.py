"""Cloud-synced folders."""
