"""Projects, as far as they concern data."""
