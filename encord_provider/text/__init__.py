"""Text: JSON read strictly, and values shown in messages."""
