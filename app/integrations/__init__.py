"""Adapters to the outside world: a protocol, the real ones and an embedded one each. They know no table."""
