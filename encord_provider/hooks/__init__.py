"""Hooks: from an Airflow connection to Encord."""
