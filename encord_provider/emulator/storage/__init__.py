"""Storage: folders, items and how they get there."""
