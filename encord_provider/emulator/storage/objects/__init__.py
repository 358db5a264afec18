"""Objects in the clouds, and signed URLs."""
