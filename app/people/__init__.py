"""Sign-in, roles, suspension, mentor applications."""
