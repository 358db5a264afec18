import os

from hypothesis import HealthCheck, settings

settings.register_profile("unit", deadline=None, database=None, derandomize=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    database=None,
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "50000")),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unit"))
