"""The pages on which policies are read, tried on the past, and changed (POL)."""
