"""What every entity stands on: HTTP, signatures, settings, clock, faults, persistence."""
