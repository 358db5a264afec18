"""Collections and filter presets."""
