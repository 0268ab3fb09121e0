"""The adapters of one application, chosen by its settings and handed to the doors by ``app.factory``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.integrations.chat_hooks import ChatHook
    from app.integrations.mailer import Mailer
    from app.integrations.meetings.base import MeetingProvider
    from app.integrations.payments.base import PaymentGateway
    from app.integrations.sms import SmsSender


@dataclass(frozen=True, slots=True)
class Adapters:
    """One gateway, meeting providers in the order in which they are tried, one way to send mail, the team's chats.

    Text messages are offered where there is a way to send them.
    """

    gateway: PaymentGateway
    meetings: tuple[MeetingProvider, ...]
    mailer: Mailer
    chat_hooks: tuple[ChatHook, ...] = ()
    sms: SmsSender | None = None
