"""A person's own account: profile, photo, password, sign-ins, tokens, applying as a mentor."""
