"""Demonstration data: a year in the life of the marketplace, made through the actions (RUN-1)."""
