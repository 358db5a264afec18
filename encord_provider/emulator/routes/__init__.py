"""HTTP routes, one module per entity; each gives a list ``ROUTES`` to :mod:`encord_provider.emulator.app`."""
