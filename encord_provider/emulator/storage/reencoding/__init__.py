"""Re-encoding of videos."""
