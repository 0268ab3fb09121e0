"""Two people resolve one dispute at the same moment, two parties' clicks fall together (DSP-1, DSP-4, INV-3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.domain.errors import DomainError
from app.domain.vocabulary import DisputeCategory, DisputeResolution, DisputeStatus
from app.extensions import db
from app.http.evidence import evidence_folder
from app.models import AdminAuditTrail, Refund, SessionDispute
from app.support.disputes import resolving
from app.support.disputes.escalation import escalate_disputes
from app.support.disputes.evidence import Upload
from app.support.disputes.outcomes import Wish
from app.support.disputes.reporting import report_problem
from app.support.disputes.resolving import preview_resolution, resolve_dispute
from tests.factories.disputes import a_dispute
from tests.factories.people import a_support_agent, an_admin, ctx_of
from tests.factories.sessions import a_completed_session
from tests.world import Clock, context

REFUND = Wish(outcome=DisputeResolution.REFUND_ISSUED, notes="The log agrees.", amount_minor=1_000)


@pytest.fixture
def desk(own_database: Callable[..., Flask]) -> Flask:
    app = own_database()
    app.extensions["desk-clock"] = Clock()
    return app


def at_once(app: Flask, *acts: Callable[[], object]) -> Counter[str]:
    """Do all of it at the same moment, each on its own connection, and count what became of it."""
    together = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        with app.app_context():
            together.wait(timeout=30)
            try:
                act()
            except DomainError as refusal:
                return refusal.error_code
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(run, acts))


@pytest.mark.spec("DSP-4", "ACT-8", "INV-3")
@pytest.mark.parametrize("seen", [True, False])
def test_of_two_who_resolve_at_once_one_does_and_the_other_hears_so(desk: Flask, seen: bool) -> None:
    with desk.app_context():
        dispute_id = a_dispute().id
        people = [ctx_of(a_support_agent()), ctx_of(an_admin())]
        prints = [preview_resolution(dispute_id, wish=REFUND, ctx=ctx).fingerprint if seen else None for ctx in people]
    result = at_once(
        desk,
        *(
            lambda ctx=ctx, mark=mark: resolve_dispute(dispute_id, wish=REFUND, fingerprint=mark, ctx=ctx)
            for ctx, mark in zip(people, prints, strict=True)
        ),
    )
    assert result == {"done": 1, "dispute_closed": 1}
    with desk.app_context():
        assert db.session.scalars(select(Refund.amount_minor)).all() == [1_000]
        assert db.session.get_one(SessionDispute, dispute_id).status is DisputeStatus.RESOLVED
        acts = select(func.count()).where(AdminAuditTrail.action == resolving.ACTION)
        assert db.session.scalar(acts) == 1


@pytest.mark.spec("DSP-1", "INV-3")
def test_a_report_sent_twice_at_once_is_one_report_with_its_files(desk: Flask) -> None:
    with desk.app_context():
        session = a_completed_session()
        ctx, session_id = ctx_of(session.mentee), session.id
        folder = evidence_folder()

    def report() -> object:
        return report_problem(
            session_id,
            category=DisputeCategory.QUALITY,
            reason="Not as promised",
            description="We talked about the weather.",
            uploads=(Upload("a.txt", b"words"),),
            folder=folder,
            ctx=ctx,
        )

    result = at_once(desk, report, report, report)
    assert result == {"done": 1, "dispute_open": 2}
    with desk.app_context():
        assert db.session.scalar(select(func.count()).select_from(SessionDispute)) == 1
    assert len([path for path in folder.iterdir() if not path.name.startswith(".")]) == 1


@pytest.mark.spec("DSP-3", "OPS-4")
def test_two_clocks_raise_a_dispute_once(desk: Flask) -> None:
    with desk.app_context():
        dispute_id = a_dispute(category=DisputeCategory.BEHAVIOR).id
        late = db.session.get_one(SessionDispute, dispute_id).first_response_due_at
    at_once(desk, *(lambda: escalate_disputes(ctx=context(now=late)) for _ in range(4)))
    with desk.app_context():
        dispute = db.session.get_one(SessionDispute, dispute_id)
        assert (dispute.priority, dispute.escalation_level) == ("urgent", 1)
