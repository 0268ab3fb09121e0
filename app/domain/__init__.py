"""Pure rules: facts in, a decision out. No Flask, no SQLAlchemy, no Redis, no clock."""
