"""A dozen disputes of the last weeks, in every state, reported and handled through the actions (DSP)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import select

from app.cli.demo.year import Year
from app.domain.context import Actor, Context
from app.domain.vocabulary import DisputeCategory, DisputePriority, DisputeResolution, Role, SessionStatus
from app.extensions import db
from app.http.evidence import evidence_folder
from app.models import MentoringSession, SessionDispute
from app.support.disputes.evidence import Upload
from app.support.disputes.handling import change_priority, comment_on_dispute, take_dispute, write_to_reporter
from app.support.disputes.outcomes import Wish
from app.support.disputes.reporting import answer_support, report_problem
from app.support.disputes.resolving import resolve_dispute

_NOTE = Upload("what happened.txt", b"10:00 I joined.\n10:12 Still alone, I wrote in the chat.\n10:30 I left.\n")


@dataclass(frozen=True, slots=True)
class _Case:
    """What is at hand in one story: the dispute, its reporter, and who handles it."""

    dispute_id: UUID
    session_id: UUID
    reporter: Actor
    agent: Actor
    admin: Actor


_Step = Callable[[_Case, datetime], object]


@dataclass(frozen=True, slots=True)
class _Story:
    """How long ago it was reported, what it says, and what followed after how many hours."""

    hours_ago: float
    category: DisputeCategory
    reason: str
    description: str
    steps: tuple[tuple[float, _Step], ...] = ()
    by_mentor: bool = False
    files: tuple[Upload, ...] = ()


def _take(case: _Case, at: datetime) -> object:
    return take_dispute(case.dispute_id, ctx=_context(case.agent, at))


def _ask(question: str) -> _Step:
    return lambda case, at: write_to_reporter(
        case.dispute_id, message=question, awaits_answer=True, ctx=_context(case.agent, at)
    )


def _answer(words: str) -> _Step:
    return lambda case, at: answer_support(
        case.dispute_id, session_id=case.session_id, message=words, folder=evidence_folder(),
        ctx=_context(case.reporter, at),
    )  # fmt: skip


def _comment(words: str) -> _Step:
    return lambda case, at: comment_on_dispute(case.dispute_id, comment=words, ctx=_context(case.agent, at))


def _rank(priority: DisputePriority) -> _Step:
    return lambda case, at: change_priority(
        case.dispute_id, priority=priority, reason="It is still going on", ctx=_context(case.agent, at)
    )


def _resolve(wish: Wish, *, by_admin: bool = False) -> _Step:
    return lambda case, at: resolve_dispute(
        case.dispute_id, wish=wish, fingerprint=None, ctx=_context(case.admin if by_admin else case.agent, at)
    )


def _gift(notes: str, minor: int) -> Wish:
    return Wish(outcome=DisputeResolution.REFUND_ISSUED, notes=notes, as_credit=True, amount_minor=minor)


_C, _R = DisputeCategory, DisputeResolution
_NOTES = "The join log and the chat agree."
_STORIES: tuple[_Story, ...] = (
    _Story(500, _C.NO_SHOW, "Nobody came", "I waited for half an hour and wrote twice. No answer.", files=(_NOTE,),
           steps=((2, _take), (3, _resolve(Wish(outcome=_R.REFUND_ISSUED, notes=_NOTES, message="We are sorry."))))),
    _Story(430, _C.QUALITY, "Half of the time was small talk", "We had agreed on an agenda and got to none of it.",
           steps=((5, _take), (6, _comment("Third one about this mentor this quarter?")),
                  (30, _resolve(_gift("Goodwill.", 1_500))))),
    _Story(380, _C.BEHAVIOR, "Shouted at me", "After I asked a second time the tone was not all right.",
           steps=((1, _take), (4, _resolve(Wish(outcome=_R.WARNING_SENT, notes=_NOTES,
                  reason="Please stay calm and friendly in sessions, whatever the question."))))),
    _Story(300, _C.TECHNICAL, "No sound for twenty minutes", "The picture was there, the sound was not.",
           steps=((6, _ask("Did the sound work in other calls that day?")), (30, _answer("Yes, an hour later.")),
                  (34, _resolve(Wish(outcome=_R.NO_ACTION, notes="No fault of either side."))))),
    _Story(220, _C.OTHER, "I would like another mentor", "Nothing was wrong, I only changed my mind.",
           steps=((10, _resolve(Wish(outcome=_R.NO_ACTION, notes="Nothing to decide.", dismisses=True))),)),
    _Story(120, _C.BEHAVIOR, "The mentee sent an advertisement", "A link to a paid course, three times.",
           by_mentor=True, steps=((2, _take), (9, _comment("The chat shows all three.")))),
    _Story(90, _C.REFUND, "The refund is less than I expected", "I cancelled two days before and got 70 %.",
           steps=((3, _take), (5, _ask("When did you press the button, in your time zone?")))),
    _Story(60, _C.NO_SHOW, "The mentor came for the last ten minutes", "An hour was booked, ten minutes were given.",
           files=(_NOTE,),
           steps=((4, _take), (8, _resolve(_gift("Regular mentee, a bad start.", 25_000))))),
    _Story(40, _C.TECHNICAL, "The link led nowhere", "The page said that the room does not exist.",
           steps=((2, _take), (3, _rank(DisputePriority.HIGH)))),
    _Story(30, _C.QUALITY, "Was read from slides", "I could have read them myself."),
    _Story(6, _C.REFUND, "Charged twice, it seems", "My bank shows the amount two times.", files=(_NOTE,)),
    _Story(2, _C.BEHAVIOR, "Asked me to pay outside", "In the last minutes I was asked to book privately next time."),
)  # fmt: skip


def plan_disputes(year: Year, *, admin: Actor) -> None:
    """Let each story begin at its time; what follows is planned as it goes."""
    for number, story in enumerate(_STORIES):
        agent = year.support[number % len(year.support)]
        begins = year.until - timedelta(hours=story.hours_ago)
        year.plan(begins, partial(_begin, year, story, agent, admin))


def _begin(year: Year, story: _Story, agent: Actor, admin: Actor, at: datetime) -> None:
    session = _some_session(at)
    if session is None:
        return
    party = (session.mentor_id, Role.MENTOR) if story.by_mentor else (session.mentee_id, Role.MENTEE)
    reporter = Actor.user(*party)
    dispute = report_problem(
        session.id,
        category=story.category,
        reason=story.reason,
        description=story.description,
        uploads=story.files,
        folder=evidence_folder(),
        ctx=_context(reporter, at),
    )
    year.made["disputes"] += 1
    case = _Case(dispute.id, session.id, reporter, agent, admin)
    for hours, step in story.steps:
        year.plan(at + timedelta(hours=hours), partial(_do, step, case))


def _do(step: _Step, case: _Case, at: datetime) -> None:
    step(case, at)


def _context(actor: Actor, now: datetime) -> Context:
    return Context(actor, now, "demonstration", ip_address="127.0.0.1", user_agent="Demonstration data")


def _some_session(at: datetime) -> MentoringSession | None:
    """The latest paid session that is over and that nobody has complained about yet."""
    reported = select(SessionDispute.session_id)
    return db.session.scalars(
        select(MentoringSession)
        .where(
            MentoringSession.status == SessionStatus.COMPLETED,
            MentoringSession.rate_minor > 0,
            MentoringSession.scheduled_at < at,
            MentoringSession.id.not_in(reported),
        )
        .order_by(MentoringSession.scheduled_at.desc(), MentoringSession.id)
        .limit(1)
    ).first()
