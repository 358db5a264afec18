"""The metadata schema."""
