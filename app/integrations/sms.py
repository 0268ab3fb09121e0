"""Text messages behind one interface; the built-in one shows them on the console of the worker (SMS-1)."""

from __future__ import annotations

import sys
from typing import Protocol


class SmsSender(Protocol):
    """One way to send text messages."""

    name: str

    def send(self, number: str, text: str, *, key: str) -> None:
        """Send one message.

        :param number: as ``+4915112345678``
        :param key: the same for every try of one message
        :raises ProviderFailed: it was not taken
        """
        ...


class ConsoleSms:
    """Sends nothing: what would be sent is written to the worker's output, where whoever tries the product finds it."""

    name = "console"

    def send(self, number: str, text: str, *, key: str) -> None:
        sys.stdout.write(f"text message to {number}: {text}\n")
        sys.stdout.flush()
