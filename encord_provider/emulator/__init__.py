"""A local Encord for tests: real HTTP, real signatures, real state, and faults on demand.

Start it with ``python -m encord_provider.emulator``, use :class:`encord_provider.emulator.server.EncordEmulator`
in-process, or take the pytest fixture ``encord_emulator``. This package shares no code with the rest of
``encord_provider``, so that it cannot agree with its mistakes.
"""
