"""The Apache Airflow provider for Encord.

Airflow imports this package while Airflow itself is starting, so it holds the version and nothing else.
"""

__version__ = "0.1.0"
