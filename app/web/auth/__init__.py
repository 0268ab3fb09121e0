"""Getting in and out: register, sign in, forgotten passwords."""
