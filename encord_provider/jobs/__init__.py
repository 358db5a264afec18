"""One import: what is known of it, what to do next, doing it, ending it."""
