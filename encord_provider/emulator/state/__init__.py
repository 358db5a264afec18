"""State and behaviour of the emulated service. Knows nothing of HTTP."""
