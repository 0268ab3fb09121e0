"""Who gets what from which address: the table behind ``test_role_matrix.py`` (SEC-1, INV-8, ADM-2).

The test fails on every rule of the application (address and method) that is not listed here, and on every line here
that no rule answers to. To add one:

1. Put a ``row(...)`` (or several methods at once: ``"GET POST"``) into the list of your blueprint below, or make a list
   of your own and add it to ``ROWS``.
2. Choose what each identity is to get: one of the groups (``PUBLIC``, ``SIGNED_IN``, ``MENTEES``, ``PARTIES`` …),
   changed for single identities where needed: ``but(PARTIES, ops=FORBIDDEN)``.
3. Where the address holds an id, name whose: ``ids={"session_id": "session"}``. The names are attributes of ``World``
   in ``world_of_roles.py``, made when they are asked for. What a name stands for belongs to ``mentee`` and ``mentor``
   (or to the one that the name says), never to the others.
4. Where an answer hangs on the time, set the clock: ``at="running.scheduled_at"``.
5. Where a body is checked before the owner is, give one that is valid: ``json={...}``, ``data={...}``. A string such as
   ``"@mentor.id"`` in it stands for that attribute of the world.

The console has its lines in ``matrix_console.py``, generated tables one line each.

Every request runs in a savepoint that is undone, so lines do not disturb one another. Where a stranger gets ``HIDDEN``,
the test also asks for an id that exists nowhere and compares the two answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Answer(Enum):
    """What an identity gets.

    ``OK`` is every answer that is not a refusal of the person: what was sent may still be wrong (400, 409, 422).
    """

    OK = "let in"
    SIGN_IN = "401 in the API, the sign-in page elsewhere"
    FORBIDDEN = "403"
    HIDDEN = "404, the same as for what does not exist"
    UNSIGNED = "400 or 401, whoever asks: the signature is missing"
    CLOSED = "sent away (a redirect, 403, 404 or 405): this is not done here by anybody"


OK, SIGN_IN, FORBIDDEN, HIDDEN = Answer.OK, Answer.SIGN_IN, Answer.FORBIDDEN, Answer.HIDDEN

# ``ended`` has the cookie of a sign-in that was ended; ``other_…`` are no party to anything.
IDENTITIES = (
    "anonymous", "ended", "mentee", "other_mentee", "mentor", "other_mentor", "support", "admin", "ops",
)  # fmt: skip
STRANGERS = ("anonymous", "ended")
STAFF = ("support", "admin", "ops")

Expected = Mapping[str, Answer]


def only(*names: str, others: Answer = FORBIDDEN) -> Expected:
    """``names`` are let in; strangers have to sign in; whoever else is signed in gets ``others``."""
    return {name: OK if name in names else SIGN_IN if name in STRANGERS else others for name in IDENTITIES}


def but(group: Expected, **changes: Answer) -> Expected:
    """A group with single identities changed."""
    unknown = set(changes) - set(IDENTITIES)
    if unknown:
        raise ValueError(f"there is no identity {unknown}")
    return {**group, **changes}


PUBLIC: Expected = dict.fromkeys(IDENTITIES, OK)
SIGNED_WEBHOOK: Expected = dict.fromkeys(IDENTITIES, Answer.UNSIGNED)
SIGNED_IN = only("mentee", "other_mentee", "mentor", "other_mentor", *STAFF)
NOT_STAFF = only("mentee", "other_mentee", "mentor", "other_mentor")
MENTEES = only("mentee", "other_mentee")
MENTORS = only("mentor", "other_mentor")
CONSOLE = only(*STAFF)
SUPPORT_AND_ADMIN = only("support", "admin")
OPS_AND_ADMIN = only("admin", "ops")
ADMIN = only("admin")
# What one person owns: others must not learn that it exists.
OF_MENTEE = only("mentee", others=HIDDEN)
OF_MENTOR = only("mentor", others=HIDDEN)
# Things of a session. Staff may look at every session and act in the console only.
PARTIES = only("mentee", "mentor", others=HIDDEN)
PARTIES_AND_STAFF = but(PARTIES, support=OK, admin=OK, ops=OK)
PARTIES_NOT_STAFF = but(PARTIES, support=FORBIDDEN, admin=FORBIDDEN, ops=FORBIDDEN)
# What the mentee reported is not even the mentor's to know of; staff go on with it in the console.
OF_REPORTER = but(OF_MENTEE, support=FORBIDDEN, admin=FORBIDDEN, ops=FORBIDDEN)
# Only one of the two roles may ask at all; of that role, only who is the party learns that the session exists.
MENTEE_OF_SESSION = but(only("mentee"), other_mentee=HIDDEN)
MENTOR_OF_SESSION = but(only("mentor"), other_mentor=HIDDEN)


@dataclass(frozen=True)
class Row:
    """One method of one rule."""

    method: str
    rule: str
    expected: Expected
    ids: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    also_ok: frozenset[int] = frozenset()
    at: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


def row(methods: str, rule: str, expected: Expected, **options: Any) -> list[Row]:
    """A line for each of ``methods``."""
    return [Row(method, rule, expected, **options) for method in methods.split()]


_TYPED = {"headline": "x", "bio": "x", "expertise": "x", "timezone": "UTC", "rate": "1", "currency": "EUR"}

SHARED = [
    *row("GET", "/static/<path:filename>", PUBLIC, ids={"filename": "static_file"}),
    *row("GET", "/photos/<name>", PUBLIC, ids={"name": "photo"}),
    *row("GET", "/healthz", PUBLIC),
    *row("GET", "/metrics", PUBLIC),  # of this machine
    *row("GET", "/readyz", PUBLIC, also_ok=frozenset({503})),
]

AUTH = [
    *row("GET POST", "/sign-in", PUBLIC),
    *row("POST", "/sign-out", PUBLIC),
    *row("GET POST", "/register", PUBLIC),
    *row("GET POST", "/register/<token>", PUBLIC, ids={"token": "registration_token"}),
    *row("GET", "/check-mail", PUBLIC),
    *row("GET POST", "/forgot-password", PUBLIC),
    *row("GET POST", "/reset-password/<token>", PUBLIC, ids={"token": "reset_token"}, data={"password": "short"}),
]

ACCOUNT = [
    *row("GET", "/account", SIGNED_IN),
    *row("GET POST", "/account/profile", SIGNED_IN),
    *row("POST", "/account/photo", SIGNED_IN),
    *row("POST", "/account/photo/remove", SIGNED_IN),
    *row("GET POST", "/account/password", SIGNED_IN),
    *row("GET POST", "/account/confirm-password", SIGNED_IN),
    *row("GET POST", "/account/calendar", NOT_STAFF),
    *row("POST", "/account/calendar/end", NOT_STAFF),
    *row("GET", "/calendar/<secret>.ics", PUBLIC, ids={"secret": "calendar_secret"}),
    *row("GET POST", "/account/phone", NOT_STAFF),
    *row("POST", "/account/phone/confirm", NOT_STAFF),
    *row("POST", "/account/phone/remove", NOT_STAFF),
    *row("GET", "/account/sign-ins", SIGNED_IN),
    *row("POST", "/account/sign-ins/<uuid:login_id>/end", OF_MENTEE, ids={"login_id": "login_of_mentee"}),
    *row("POST", "/account/sign-ins/end-others", SIGNED_IN),
    *row("GET POST", "/account/tokens", SIGNED_IN),
    *row("POST", "/account/tokens/<uuid:token_id>/revoke", OF_MENTEE, ids={"token_id": "token_of_mentee"}),
    *row("GET POST", "/mentor/apply", NOT_STAFF, data=_TYPED),
]

_SESSION = {"session_id": "session"}
_DRAFT = {"session_id": "draft"}
_REQUEST = {"session_id": "request"}
_REASSIGNED = {"session_id": "reassigned"}
_RUNNING = {"session_id": "running"}
_STARTED = "running.scheduled_at"
_ONE = "/api/bookings/<uuid:session_id>"
_WISH = {
    "mentorId": "@mentor.id", "offeringId": "@offering.id", "scheduledAt": "2028-03-01T10:00:00Z",
    "meetingType": "video", "title": "How to lead a team",
}  # fmt: skip
_COMPLETED = {"session_id": "completed"}
_REPORT = f"{_ONE}/disputes/<uuid:dispute_id>"
_REPORTED = {"session_id": "completed", "dispute_id": "dispute"}
_PROBLEM = {"category": "no_show", "reason": "Nobody came", "description": "I waited for half an hour."}
_CASE = "/api/admin/sessions/<uuid:session_id>"
_ACTS: Mapping[str, Mapping[str, Any]] = {
    "cancel": {"reason": "Both asked for it"},
    "complete": {"reason": "Both say that it took place"},
    "refund": {"reason": "A gesture", "refundType": "partial", "amount": 1},
    "reassign": {"reason": "The mentor is ill"},
    "clear-no-show": {"reason": "A mistake"},
    "override-policy": {"reason": "Goodwill", "overrideType": "extend_time"},
    "move": {"reason": "Both agreed", "startsAt": "2028-03-02T10:00:00Z"},
    "no-show": {"reason": "Nobody came", "absent": "mentee"},
    "meeting-link": {"reason": "The provider was down", "meetingUrl": "https://meet.example/room"},
}
_REFUND = "/api/admin/refunds/<uuid:refund_id>"
_WHY = {"reason": "The case is clear"}
_DISPUTE_DESK = "/api/admin/disputes/<uuid:dispute_id>"
_AT_THE_DESK = {"dispute_id": "dispute"}
_WEEK = {"timezone": "UTC", "days": []}

API = [
    *row("GET", "/api/docs", PUBLIC),
    *row("GET", "/api/openapi.json", PUBLIC),
    *row("GET", "/api/session-policies", PUBLIC),
    *row("GET", "/api/mentors", PUBLIC),
    *row("GET", "/api/mentors/<uuid:mentor_id>", PUBLIC, ids={"mentor_id": "mentor"}),
    *row(
        "GET", "/api/mentors/<uuid:mentor_id>/availability/slots", PUBLIC, ids={"mentor_id": "mentor"},
        query={"start": "2028-03-01", "end": "2028-03-02"},
    ),
    *row("POST", "/api/webhooks/<gateway_name>", SIGNED_WEBHOOK, ids={"gateway_name": "gateway"}),
    *row("POST", "/api/webhooks/meetings/<provider_name>", SIGNED_WEBHOOK, ids={"provider_name": "meetings"}),
    *row(
        "POST", "/api/webhooks/meetings/<provider_name>/events/<subject>/<what>", SIGNED_WEBHOOK,
        ids={"provider_name": "meetings", "subject": "gateway", "what": "gateway"},
    ),
    *row("GET POST", "/api/auth/tokens", SIGNED_IN, json={"name": "script", "scopes": ["read"]}),
    *row("DELETE", "/api/auth/tokens", OF_MENTEE, query={"id": "@token_of_mentee"}),
    *row("GET", "/api/notifications", SIGNED_IN),
    *row("GET", "/api/notifications/stream", SIGNED_IN),
    *row("POST", "/api/notifications/read", SIGNED_IN),
    *row("POST", "/api/bookings", MENTEES, json=_WISH),
    *row("GET", "/api/bookings", NOT_STAFF),
    *row("GET", _ONE, PARTIES_AND_STAFF, ids=_SESSION),
    *row("PUT", _ONE, PARTIES_NOT_STAFF, ids=_SESSION, json={"version": 1, "title": "How to lead"}),
    *row("DELETE", _ONE, PARTIES_NOT_STAFF, ids=_DRAFT, json={}),
    *row("GET", f"{_ONE}/calendar.ics", PARTIES_AND_STAFF, ids=_SESSION),
    *row("GET", f"{_ONE}/decisions", PARTIES_AND_STAFF, ids=_SESSION),
    *row(
        "POST", f"{_ONE}/cancel", PARTIES_NOT_STAFF, ids=_SESSION,
        json={"reasonCategory": "schedule_conflict", "reason": "Ill"},
    ),
    *row("POST", f"{_ONE}/reschedule", PARTIES_NOT_STAFF, ids=_SESSION, json={"proposedTime": "2028-03-02T10:00:00Z"}),
    *row(
        "POST", f"{_ONE}/reschedule/respond", PARTIES_NOT_STAFF, ids=_SESSION,
        json={"requestId": "3f6c2d6e-3f0a-4e43-9d3b-0f6c1f6a2b11", "action": "accept"},
    ),
    *row("POST", f"{_ONE}/reschedule/withdraw", PARTIES_NOT_STAFF, ids=_SESSION, json={}),
    *row("POST", f"{_ONE}/approve", MENTOR_OF_SESSION, ids=_REQUEST),
    *row("POST", f"{_ONE}/reject", MENTOR_OF_SESSION, ids=_REQUEST, json={"reason": "On holiday"}),
    *row("POST", f"{_ONE}/complete", MENTOR_OF_SESSION, ids=_RUNNING, at=_STARTED),
    *row("POST", f"{_ONE}/proceed-payment", MENTEE_OF_SESSION, ids=_DRAFT),
    *row("POST", f"{_ONE}/review", PARTIES_NOT_STAFF, ids={"session_id": "completed"}, json={"rating": 5}),
    *row("GET POST", f"{_ONE}/notes", PARTIES_NOT_STAFF, ids=_SESSION, json={"body": "Ask about it."}),
    *row("GET POST", f"{_ONE}/messages", PARTIES_NOT_STAFF, ids=_SESSION, json={"body": "See you."}),
    *row("POST", f"{_ONE}/messages/read", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET", f"{_ONE}/video-link", PARTIES_NOT_STAFF, ids=_RUNNING, at=_STARTED),
    *row("POST", f"{_ONE}/join", PARTIES_NOT_STAFF, ids=_RUNNING, at=_STARTED),
    *row("POST", f"{_ONE}/no-show", PARTIES_NOT_STAFF, ids=_RUNNING, at=_STARTED),
    *row("POST", f"{_ONE}/accept-reassignment", MENTEE_OF_SESSION, ids=_REASSIGNED, json={}),
    *row("POST", f"{_ONE}/reject-reassignment", MENTEE_OF_SESSION, ids=_REASSIGNED, json={}),
    *row("POST", f"{_ONE}/decline-reassignment", MENTOR_OF_SESSION, ids=_REASSIGNED, json={}),
    *row("GET", f"{_ONE}/alternative-mentors", MENTEE_OF_SESSION, ids=_REASSIGNED),
    *row(
        "POST", f"{_ONE}/select-alternative-mentor", MENTEE_OF_SESSION, ids=_REASSIGNED,
        json={"mentorId": "@other_mentor.id"},
    ),
    *row(
        "PUT", f"{_ONE}/meeting-link", MENTOR_OF_SESSION, ids=_SESSION, json={"meetingUrl": "https://meet.example/x"}
    ),
    *row("GET", f"{_ONE}/disputes", PARTIES_NOT_STAFF, ids=_COMPLETED),
    *row("POST", f"{_ONE}/disputes", PARTIES_NOT_STAFF, ids=_COMPLETED, json=_PROBLEM),
    *row("POST", f"{_REPORT}/answers", OF_REPORTER, ids=_REPORTED, json={"message": "At ten."}),
    *row("POST", f"{_REPORT}/evidence", OF_REPORTER, ids=_REPORTED),
    *row("GET", f"{_REPORT}/evidence/<uuid:evidence_id>", OF_REPORTER, ids=_REPORTED | {"evidence_id": "evidence"}),
    *row("GET", "/api/mentor/mentees-sessions", MENTORS),
    *row("GET", "/api/mentor/wallet", MENTORS),
    *row("GET", "/api/credit", MENTEES),
    *row("GET PUT", "/api/mentor/schedule", MENTORS, json=_WEEK),
    *row("POST", "/api/mentor/schedule/exceptions", MENTORS),
    *row(
        "DELETE", "/api/mentor/schedule/exceptions/<uuid:exception_id>", but(MENTORS, other_mentor=HIDDEN),
        ids={"exception_id": "exception"},
    ),
    *row("GET POST PUT", "/api/mentor/offerings", MENTORS),
    *row("GET", "/api/admin/sessions", CONSOLE),
    *row("GET", "/api/admin/sessions/stats", CONSOLE),
    *row("GET", "/api/admin/sessions/export", SUPPORT_AND_ADMIN),
    *row(
        "POST", "/api/admin/sessions/bulk-cancel", SUPPORT_AND_ADMIN,
        json={"ids": ["@session.id"], "reason": "The mentor is ill"},
    ),
    *row("GET", _CASE, CONSOLE, ids=_SESSION),
    *row("GET", f"{_CASE}/notes", SUPPORT_AND_ADMIN, ids=_SESSION),
    *row("POST", f"{_CASE}/notes", SUPPORT_AND_ADMIN, ids=_SESSION, json={"note": "Called the mentor."}),
    *(
        each
        for slug, body in _ACTS.items()
        for each in row("POST", f"{_CASE}/{slug}", SUPPORT_AND_ADMIN, ids=_SESSION, json=body)
    ),
    *row("GET", "/api/admin/refunds", CONSOLE),
    *row("POST", f"{_REFUND}/approve", ADMIN, ids={"refund_id": "waiting_refund"}, json=_WHY),
    *row("POST", f"{_REFUND}/decline", ADMIN, ids={"refund_id": "waiting_refund"}, json=_WHY),
    *row("POST", f"{_REFUND}/retry", SUPPORT_AND_ADMIN, ids={"refund_id": "failed_refund"}, json=_WHY),
    *row("GET", "/api/admin/payouts", SUPPORT_AND_ADMIN),
    *row("POST", "/api/admin/payouts", ADMIN, json={"currency": "@currency", **_WHY}),
    *row("POST", "/api/admin/users/<uuid:user_id>/suspend", ADMIN, ids={"user_id": "applicant"}, json=_WHY),
    *row("POST", "/api/admin/users/<uuid:user_id>/reinstate", ADMIN, ids={"user_id": "applicant"}, json=_WHY),
    *row("POST", "/api/admin/mentors/<uuid:user_id>/verify", ADMIN, ids={"user_id": "applicant"}, json=_WHY),
    *row("GET", "/api/admin/audit", SUPPORT_AND_ADMIN),
    *row("GET", "/api/admin/audit/verify", CONSOLE),
    *row("GET", "/api/admin/disputes", SUPPORT_AND_ADMIN),
    *row("GET", _DISPUTE_DESK, SUPPORT_AND_ADMIN, ids=_AT_THE_DESK),
    *row(
        "POST", f"{_DISPUTE_DESK}/assign", SUPPORT_AND_ADMIN, ids=_AT_THE_DESK,
        json={"assigneeId": None, "reason": "On holiday"},
    ),
    *row(
        "POST", f"{_DISPUTE_DESK}/priority", SUPPORT_AND_ADMIN, ids=_AT_THE_DESK,
        json={"priority": "high", "reason": "It goes on"},
    ),
    *row("GET POST", f"{_DISPUTE_DESK}/comments", SUPPORT_AND_ADMIN, ids=_AT_THE_DESK, json={"comment": "Hm."}),
    *row(
        "POST", f"{_DISPUTE_DESK}/resolve", SUPPORT_AND_ADMIN, ids=_AT_THE_DESK,
        json={"resolutionAction": "no_action", "notes": "Both were there."},
    ),
    *row("GET", "/api/admin/policies", SUPPORT_AND_ADMIN),
    *row(
        "PUT", "/api/admin/policies", ADMIN,
        json={"values": {"lateRefundPercentage": 10}, "versionId": "@policy_version", "reason": "A trial"},
    ),
    *row("POST", "/api/admin/policies/preview", SUPPORT_AND_ADMIN, json={"values": {"lateRefundPercentage": 10}}),
    *row(
        "POST", "/api/admin/overrides/<uuid:override_id>/revoke", SUPPORT_AND_ADMIN, ids={"override_id": "override"},
        json={"reason": "By mistake"},
    ),
    *row("GET", "/api/admin/analytics/<report>", SUPPORT_AND_ADMIN, ids={"report": "report"}),
]  # fmt: skip

SANDBOX = row("GET POST", "/sandbox/pay/<reference>", PUBLIC, ids={"reference": "checkout"}, data={"choice": "decline"})

_MENTOR = {"mentor_id": "mentor"}
_BOOKED = {"start": "2028-03-01T10:00:00Z", "offering": "@offering.id"}
_DISPUTE = {"session_id": "completed", "dispute_id": "dispute"}
_EVIDENCE = {"session_id": "completed", "evidence_id": "evidence"}
_WORDS = {"meeting_type": "video", "title": "How to lead a team", "key": "k1"}
_PAGE = "/sessions/<uuid:session_id>"

PAGES = [
    *row("GET", "/join-test", PUBLIC),
    *row("GET", "/", PUBLIC),
    *row("GET", "/mentors", PUBLIC),
    *row("GET", "/mentors/<uuid:mentor_id>", PUBLIC, ids=_MENTOR),
    *row("GET", "/book/<uuid:mentor_id>", PUBLIC, ids=_MENTOR),
    *row("GET POST", "/book/<uuid:mentor_id>/details", MENTEES, ids=_MENTOR, query=_BOOKED),
    *row("GET POST", "/book/<uuid:mentor_id>/confirm", MENTEES, ids=_MENTOR, query=_BOOKED, data=_WORDS),
    *row("GET", "/book/done/<uuid:session_id>", MENTEE_OF_SESSION, ids=_SESSION),
    *row("GET", "/payments/return", MENTEE_OF_SESSION, query={"reference": "@checkout"}),
    *row("GET", "/my/sessions", MENTEES),
    *row("GET", "/my/credit", MENTEES),
    *row("GET", "/mentor/schedule", MENTORS),
    *row("GET", "/mentor/wallet", MENTORS),
    *row("GET POST", "/mentor/availability", MENTORS, data={"do": "preview"}),
    *row("POST", "/mentor/availability/exceptions", MENTORS),
    # What is gone and what is another's answer the same: back to the page, and nothing was done.
    *row(
        "POST", "/mentor/availability/exceptions/<uuid:exception_id>/remove", MENTORS,
        ids={"exception_id": "exception"},
    ),
    *row("GET", "/mentor/offerings", MENTORS),
    *row("GET POST", "/mentor/offerings/new", MENTORS),
    *row(
        "GET POST", "/mentor/offerings/<uuid:offering_id>", but(MENTORS, other_mentor=HIDDEN),
        ids={"offering_id": "offering"},
    ),
    *row(
        "POST", "/mentor/offerings/<uuid:offering_id>/retire", but(MENTORS, other_mentor=HIDDEN),
        ids={"offering_id": "offering"},
    ),
    *row(
        "POST", "/mentor/offerings/<uuid:offering_id>/restore", but(MENTORS, other_mentor=HIDDEN),
        ids={"offering_id": "offering"},
    ),
    *row("GET", _PAGE, PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET", f"{_PAGE}/calendar.ics", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET POST", f"{_PAGE}/cancel", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET POST", f"{_PAGE}/reschedule", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET POST", f"{_PAGE}/reschedule/counter", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET POST", f"{_PAGE}/reschedule/respond", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("POST", f"{_PAGE}/reschedule/withdraw", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("GET POST", f"{_PAGE}/review", PARTIES_NOT_STAFF, ids={"session_id": "completed"}),
    *row("GET POST", f"{_PAGE}/report", PARTIES_NOT_STAFF, ids={"session_id": "completed"}),
    *row("GET POST", f"{_PAGE}/disputes/<uuid:dispute_id>", OF_REPORTER, ids=_DISPUTE),
    *row("GET", f"{_PAGE}/evidence/<uuid:evidence_id>", OF_REPORTER, ids=_EVIDENCE),

    *row("POST", f"{_PAGE}/notes", PARTIES_NOT_STAFF, ids=_SESSION, data={"body": "Ask about it."}),
    # A private note is its author's alone; the other party finds none.
    *row(
        "GET POST", f"{_PAGE}/notes/<uuid:note_id>", but(PARTIES_NOT_STAFF, mentor=HIDDEN),
        ids={"session_id": "session", "note_id": "own_note"}, data={"body": "Ask about it."},
    ),
    *row(
        "GET POST", f"{_PAGE}/summary", but(PARTIES_NOT_STAFF, mentee=FORBIDDEN), ids={"session_id": "completed"},
        data={"body": "We talked."},
    ),
    *row("POST", f"{_PAGE}/messages", PARTIES_NOT_STAFF, ids=_SESSION, data={"body": "See you."}),
    *row("POST", f"{_PAGE}/messages/read", PARTIES_NOT_STAFF, ids=_SESSION),
    *row("POST", f"{_PAGE}/join", PARTIES_NOT_STAFF, ids=_RUNNING, at=_STARTED),
    *row("GET POST", f"{_PAGE}/no-show", PARTIES_NOT_STAFF, ids=_RUNNING, at=_STARTED),
    *row("GET POST", f"{_PAGE}/meeting-link", MENTOR_OF_SESSION, ids=_SESSION),
    *row("POST", f"{_PAGE}/complete", MENTOR_OF_SESSION, ids=_RUNNING, at=_STARTED),
    *row("POST", f"{_PAGE}/accept-reassignment", MENTEE_OF_SESSION, ids=_REASSIGNED),
    *row("GET POST", f"{_PAGE}/reject-reassignment", MENTEE_OF_SESSION, ids=_REASSIGNED),
    *row("GET POST", f"{_PAGE}/decline-assignment", MENTOR_OF_SESSION, ids=_REASSIGNED),
    *row(
        "GET POST", f"{_PAGE}/select-mentor", MENTEE_OF_SESSION, ids=_REASSIGNED, data={"mentor": "@other_mentor.id"}
    ),
    *row(
        "GET", f"{_PAGE}/select-mentor/<uuid:mentor_id>", MENTEE_OF_SESSION,
        ids={"session_id": "without_mentor", "mentor_id": "mentor"},
    ),
    *row("POST", f"{_PAGE}/pay", MENTEE_OF_SESSION, ids=_DRAFT),
    *row("GET POST", f"{_PAGE}/approve", MENTOR_OF_SESSION, ids=_REQUEST),
    *row("GET POST", f"{_PAGE}/decline", MENTOR_OF_SESSION, ids=_REQUEST),
    *row("GET", "/notifications", SIGNED_IN),
    *row("POST", "/notifications/read", SIGNED_IN),
    *row("POST", "/notifications/<uuid:notification_id>/read", SIGNED_IN, ids={"notification_id": "notification"}),
]  # fmt: skip

ROWS: list[Row] = [*SHARED, *AUTH, *ACCOUNT, *API, *PAGES, *SANDBOX]
