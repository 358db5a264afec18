"""Storage items."""
