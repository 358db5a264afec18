"""Triggers that wait for Encord in the triggerer."""
