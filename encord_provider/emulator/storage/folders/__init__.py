"""Storage folders."""
