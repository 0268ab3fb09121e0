"""Pure rules: facts in, a decision out. No Flask, no SQLAlchemy, no Redis, no clock."""

# Whoever touches a rule computes with the zone data that the lock file pins; see there.
from app.domain import times as times
