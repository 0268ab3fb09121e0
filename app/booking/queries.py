"""Everything that pages and the API read of bookings, under one name; what they show stands in ``read_models``."""

from __future__ import annotations

from app.booking.mentor_queries import (
    MentorFilter,
    expertise_tags,
    find_mentors,
    load_mentor_page,
    load_slots,
    next_free_starts,
    offering_view,
)
from app.booking.session_queries import (
    MENTEE_TABS,
    MENTOR_TABS,
    SessionFilter,
    count_tabs,
    find_sessions,
    list_sessions,
    load_session_page,
    load_session_row,
    mentor_figures,
)

__all__ = [
    "MENTEE_TABS",
    "MENTOR_TABS",
    "MentorFilter",
    "SessionFilter",
    "count_tabs",
    "expertise_tags",
    "find_mentors",
    "find_sessions",
    "list_sessions",
    "load_mentor_page",
    "load_session_page",
    "load_session_row",
    "load_slots",
    "mentor_figures",
    "next_free_starts",
    "offering_view",
]
