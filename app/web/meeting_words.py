"""The kinds of meeting in words."""

from __future__ import annotations

from typing import Final

from app.domain.vocabulary import MeetingType

MEETING_WORDS: Final = {
    MeetingType.VIDEO: "Video call",
    MeetingType.AUDIO: "Audio call",
    MeetingType.CHAT: "Written chat",
    MeetingType.IN_PERSON: "In person",
}
