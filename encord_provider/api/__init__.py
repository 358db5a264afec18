"""The data plane: signed, pooled HTTP calls to Encord, with a synchronous and an asynchronous client."""
