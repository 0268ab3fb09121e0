"""What every action stands on: transaction, audit, outbox, policies, idempotency, throttle."""
