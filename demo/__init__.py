"""The demo: three days of files from a bucket into a local Encord, through Airflow, read back and compared."""
