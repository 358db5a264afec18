"""``@task.encord``."""
