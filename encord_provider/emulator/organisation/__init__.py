"""The organisation: users, groups, tags, metadata schema."""
