from hypothesis import settings

settings.register_profile("unit", deadline=None, database=None, derandomize=True)
settings.load_profile("unit")
