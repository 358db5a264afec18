"""How state looks on the wire. Knows nothing of routes."""
