"""Cloud integrations."""
