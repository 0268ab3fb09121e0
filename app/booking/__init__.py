"""The life of a session, from the first request until after it ended."""
