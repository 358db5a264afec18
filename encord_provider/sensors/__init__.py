"""Sensors that wait for Encord."""
