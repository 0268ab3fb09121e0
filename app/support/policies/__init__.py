"""The policies as staff see, try and change them (POL)."""
