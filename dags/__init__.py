"""The bundled DAGs."""
