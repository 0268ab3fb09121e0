"""Random secrets that people carry, and the hash by which the database knows them again."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32


def new_secret(prefix: str = "") -> str:
    """256 random bits as text that fits a cookie, a header and an address."""
    return prefix + secrets.token_urlsafe(_BYTES)


def secret_hash(secret: str) -> str:
    """What is stored instead of the secret. It has 256 random bits, so that a fast hash without a salt is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
