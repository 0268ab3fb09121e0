"""One session, for both of its parties."""
