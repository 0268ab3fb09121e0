"""Background work: the relay, the worker's jobs and the clock."""
