"""Upload jobs."""
