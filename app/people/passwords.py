"""Passwords: argon2id, rehashed when the parameters grow, as much work for an account that does not exist (SEC-3)."""

from __future__ import annotations

from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.domain.errors import Invalid

SHORTEST = 12
LONGEST = 200

# What everybody tries first, and is long enough to pass the rule of length.
_WELL_KNOWN = frozenset({
    "123456789012", "1234567890123", "password1234", "passwordpassword", "qwertyuiop12", "qwertyuiopas",
    "administrator", "letmeinletmein", "iloveyou1234", "welcome12345", "mentordesk123", "changemechangeme",
})  # fmt: skip


class _Hashing:
    """The parameters in use; a process has one set of them."""

    def __init__(self) -> None:
        self.use(memory_kib=32_768, rounds=3)

    def use(self, *, memory_kib: int, rounds: int) -> None:
        self.scheme = PasswordHash((Argon2Hasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1),))
        self.of_nobody = cache(lambda: self.scheme.hash("nobody has this password"))


_hashing = _Hashing()


def hash_cheaply() -> None:
    """Use the smallest parameters argon2id has; for tests, which hash a thousand times."""
    _hashing.use(memory_kib=8, rounds=1)


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters and salt in it."""
    return _hashing.scheme.hash(password)


def check_password(password: str, stored: str | None) -> tuple[bool, str | None]:
    """Whether the password fits, and a new hash when the stored one was made with other parameters.

    :param stored: None for an account that does not exist; it takes the same work, so that nobody can time the answer
    """
    if len(password) > LONGEST:
        # Hashing a novel would be work for free; the work itself is still done, to take as long as ever.
        password, stored = "", None
    fits, new_hash = _hashing.scheme.verify_and_update(password, stored or _hashing.of_nobody())
    if stored is None:
        return False, None
    return fits, new_hash


def require_good_password(password: str, *, email: str, name: str = "", field: str = "password") -> None:
    """Refuse what is guessed first.

    :raises Invalid: when it is too short, too long, well known, or the person's own address or name
    """
    lowered = password.lower()
    own = {email.lower(), email.lower().partition("@")[0], name.lower()} - {""}
    problem = None
    if len(password) < SHORTEST:
        problem = f"Use at least {SHORTEST} characters. A few words in a row are easy to remember."
    elif len(password) > LONGEST:
        problem = f"Use at most {LONGEST} characters."
    elif lowered in own or lowered in _WELL_KNOWN or len(set(password)) < 4:
        problem = "This one is guessed first. Choose words that nobody would connect with you."
    if problem:
        raise Invalid(problem, fields={field: problem})
