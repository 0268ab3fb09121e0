"""Applying as a mentor, and what an admin makes of it (ID-3)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.vocabulary import NotificationType, Role
from app.extensions import db
from app.models import AdminAuditTrail, EmailEvent, MentorProfile, MentorSchedule, Notification, User
from app.people import logins, mentors
from tests.factories.people import a_mentee, a_mentor, a_support_agent, an_admin, an_ops, ctx_of
from tests.world import Clock

APPLICATION: dict[str, Any] = {
    "headline": "Staff engineer",
    "bio": "I build databases.",
    "expertise": ["Python", " python ", "System  design"],
    "timezone": "Europe/Berlin",
    "rate_minor": 6_000,
    "currency": "EUR",
}


def apply(user: User, **changes: Any) -> MentorProfile:
    return mentors.apply_as_mentor(user.id, **APPLICATION | changes, ctx=ctx_of(user))


def an_applicant() -> User:
    user = a_mentee()
    apply(user)
    db.session.refresh(user)
    return user


def mails(user: User) -> list[str]:
    """By name: those of one instant have no order."""
    return sorted(db.session.scalars(select(EmailEvent.template).where(EmailEvent.user_id == user.id)))


@pytest.mark.spec("ID-3")
def test_an_applicant_is_a_mentor_whom_nobody_verified(app: Flask, clock: Clock) -> None:
    user = a_mentee()
    browser = logins.open_login(user, remembered=False, ctx=ctx_of(user))
    profile = apply(user)
    db.session.refresh(user)
    assert (user.role, user.timezone, profile.verified_at) == (Role.MENTOR, "Europe/Berlin", None)
    assert profile.expertise == ["python", "System design"]
    assert (profile.requested_rate_minor, profile.requested_currency) == (6_000, "EUR")
    assert db.session.get(MentorSchedule, user.id)
    assert mails(user) == ["welcome"]
    assert logins.find_login(browser, now=clock.now) is None


@pytest.mark.spec("ID-3")
@pytest.mark.parametrize(
    "field, value",
    [
        ("headline", ""),
        ("headline", "x" * 121),
        ("bio", " "),
        ("bio", "x" * 4_001),
        ("expertise", []),
        ("expertise", ["x" * 41]),
        ("expertise", [str(number) for number in range(13)]),
        ("timezone", "Nowhere"),
        ("rate_minor", -1),
        ("rate_minor", 2**63),
        ("currency", "XX1"),
    ],
)
def test_an_application_that_cannot_be_used_changes_nothing(app: Flask, field: str, value: Any) -> None:
    user = a_mentee()
    with pytest.raises(Invalid) as refusal:
        apply(user, **{field: value})
    assert list(refusal.value.fields) == ["rate" if field == "rate_minor" else field]
    db.session.refresh(user)
    assert user.role is Role.MENTEE
    assert db.session.get(MentorProfile, user.id) is None


@pytest.mark.spec("ID-3")
def test_an_application_is_made_once(app: Flask) -> None:
    user = an_applicant()
    with pytest.raises(Conflict) as waiting:
        apply(user)
    assert waiting.value.error_code == "already_applied"
    mentors.verify_mentor(user.id, ctx=ctx_of(an_admin()))
    with pytest.raises(Conflict):
        apply(user)


@pytest.mark.spec("ID-1", "ID-3")
def test_staff_cannot_apply_and_nobody_applies_for_another(app: Flask) -> None:
    with pytest.raises(Forbidden):
        apply(a_support_agent())
    victim, stranger = a_mentee(), a_mentee()
    with pytest.raises(NotFound):
        mentors.apply_as_mentor(victim.id, **APPLICATION, ctx=ctx_of(stranger))


@pytest.mark.spec("ID-3")
def test_an_admin_verifies_once_and_the_mentor_is_told(app: Flask, clock: Clock) -> None:
    user, admin = an_applicant(), an_admin()
    profile = mentors.verify_mentor(user.id, ctx=ctx_of(admin))
    assert (profile.verified_at, profile.verified_by) == (clock.now, admin.id)
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.subject_type, row.subject_id) == ("ADMIN_MENTOR_VERIFIED", "mentor", str(user.id))
    assert db.session.scalars(select(Notification.type)).one() is NotificationType.MENTOR_VERIFIED
    assert mails(user) == ["mentor_verified", "welcome"]
    with pytest.raises(Conflict):
        mentors.verify_mentor(user.id, ctx=ctx_of(admin))


@pytest.mark.spec("ID-3")
def test_a_declined_mentor_reads_why_and_may_apply_again(app: Flask, clock: Clock) -> None:
    user, admin = an_applicant(), an_admin()
    with pytest.raises(Invalid):
        mentors.decline_mentor(user.id, reason=" ", ctx=ctx_of(admin))
    profile = mentors.decline_mentor(user.id, reason="Please name your employer.", ctx=ctx_of(admin))
    assert (profile.declined_by, profile.decline_reason) == (admin.id, "Please name your employer.")
    row = db.session.scalars(select(AdminAuditTrail)).one()
    assert (row.action, row.reason) == ("ADMIN_MENTOR_DECLINED", "Please name your employer.")
    note = db.session.scalars(select(Notification)).one()
    assert note.type is NotificationType.MENTOR_DECLINED
    assert "employer" in note.body
    assert apply(user, bio="I build databases at Acme.").declined_at is None


@pytest.mark.spec("ID-3")
def test_declining_a_verified_mentor_withdraws_the_verification(app: Flask) -> None:
    mentor = a_mentor()
    profile = mentors.decline_mentor(mentor.id, reason="False credentials", ctx=ctx_of(an_admin()))
    assert profile.verified_at is None
    assert db.session.scalars(select(AdminAuditTrail)).one().details["wasVerified"] is True


@pytest.mark.spec("ID-3", "ADM-2")
def test_only_admins_decide_on_applications(app: Flask) -> None:
    user = an_applicant()
    for actor in (user, a_mentee(), a_support_agent(), an_ops()):
        with pytest.raises(Forbidden):
            mentors.verify_mentor(user.id, ctx=ctx_of(actor))
        with pytest.raises(Forbidden):
            mentors.decline_mentor(user.id, reason="Not yet", ctx=ctx_of(actor))
    assert db.session.scalars(select(AdminAuditTrail)).all() == []


def test_who_never_applied_cannot_be_verified(app: Flask) -> None:
    with pytest.raises(NotFound):
        mentors.verify_mentor(a_mentee().id, ctx=ctx_of(an_admin()))
