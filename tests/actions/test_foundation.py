"""What every action stands on: transactions that join, a chain that shows tampering, an outbox that loses nothing."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.domain.context import Actor, Context
from app.domain.errors import Conflict, IdempotencyMismatch, Invalid
from app.domain.vocabulary import OutboxState, Role
from app.extensions import db
from app.foundation import audit, outbox
from app.foundation.idempotency import once
from app.foundation.policies import change_policies, current_policies
from app.foundation.transaction import after_commit, savepoint, transaction
from app.models import AdminAuditTrail, OutboxRow, PolicyChange, User
from tests.world import START, context


def a_user(role: Role = Role.ADMIN) -> User:
    user = User(email=f"{uuid4().hex}@example.com", name="Grace", password_hash="x", role=role, created_at=START)
    with transaction():
        db.session.add(user)
    return user


def as_user(user: User) -> Context:
    return context(Actor.user(user.id, user.role, user.name))


def act(reason: str, ctx: Context) -> None:
    with transaction():
        audit.record_staff_act(action="ADMIN_TEST", reason=reason, ctx=ctx, subject_type="user", subject_id=uuid4())


class TestTransaction:
    def test_a_refusal_inside_undoes_what_the_outer_action_wrote(self, app: Flask) -> None:
        with pytest.raises(Conflict), transaction():
            outbox.put("test.kind", key="one", payload={}, ctx=context())
            with transaction():
                raise Conflict("no")

        assert db.session.scalar(select(func.count()).select_from(OutboxRow)) == 0

    def test_a_swallowed_inner_refusal_is_not_committed(self, app: Flask) -> None:
        with pytest.raises(RuntimeError, match="savepoint"), transaction():
            outbox.put("test.kind", key="one", payload={}, ctx=context())
            try:
                with transaction():
                    raise Conflict("no")
            except Conflict:
                pass

        assert db.session.scalar(select(func.count()).select_from(OutboxRow)) == 0

    def test_a_refusal_in_a_savepoint_leaves_the_rest(self, app: Flask) -> None:
        with transaction():
            outbox.put("test.kind", key="kept", payload={}, ctx=context())
            with pytest.raises(Conflict), savepoint():
                outbox.put("test.kind", key="undone", payload={}, ctx=context())
                raise Conflict("no")

        assert db.session.scalars(select(OutboxRow.key)).all() == ["kept"]

    def test_what_shall_follow_the_commit_does_not_follow_a_refusal(self, app: Flask) -> None:
        told: list[str] = []
        with pytest.raises(Conflict), transaction():
            after_commit(lambda: told.append("refused"))
            raise Conflict("no")
        with transaction():
            after_commit(lambda: told.append("done"))

        assert told == ["done"]

    def test_a_named_constraint_becomes_a_sentence(self, app: Flask) -> None:
        first = a_user()
        with pytest.raises(Invalid, match="cannot be used"), transaction():
            db.session.add(User(email=first.email, name="Other", password_hash="x", role=Role.MENTEE, created_at=START))


class TestAuditChain:
    @pytest.mark.spec("AUD-3", "INV-7")
    def test_rows_are_numbered_without_a_gap_and_verify(self, app: Flask) -> None:
        ctx = as_user(a_user())
        for reason in ("first", "second", "third"):
            act(reason, ctx)

        report = audit.verify_chain()

        assert (report.is_intact, report.rows) == (True, 3)
        assert db.session.scalars(select(AdminAuditTrail.seq).order_by(AdminAuditTrail.seq)).all() == [1, 2, 3]

    def test_two_acts_of_one_transaction_are_two_links(self, app: Flask) -> None:
        ctx = as_user(a_user())
        with transaction():
            act("one", ctx)
            act("two", ctx)

        assert audit.verify_chain().rows == 2

    @pytest.mark.spec("AUD-2")
    @pytest.mark.parametrize(
        "sql", ["UPDATE admin_session_audit_trail SET reason = 'x'", "DELETE FROM admin_session_audit_trail"]
    )
    def test_the_database_refuses_to_change_or_delete_a_row(self, app: Flask, sql: str) -> None:
        act("kept", as_user(a_user()))

        with pytest.raises(IntegrityError, match="what happened is kept"), db.session.begin_nested():
            db.session.execute(text(sql))

    @pytest.mark.spec("AUD-3")
    @pytest.mark.parametrize(
        "tamper, first_bad, problem",
        [
            ("UPDATE admin_session_audit_trail SET reason = 'forged' WHERE seq = 2", 2, "content was changed"),
            ("UPDATE admin_session_audit_trail SET details = '{\"a\": 1}' WHERE seq = 3", 3, "content was changed"),
            ("DELETE FROM admin_session_audit_trail WHERE seq = 2", 3, "missing"),
            ("UPDATE admin_session_audit_trail SET previous_hash = hash WHERE seq = 4", 4, "does not continue"),
        ],
    )
    def test_tampering_by_the_owner_of_the_database_is_found_at_the_first_bad_row(
        self, app: Flask, tamper: str, first_bad: int, problem: str
    ) -> None:
        ctx = as_user(a_user())
        for number in range(5):
            act(f"act {number}", ctx)
        db.session.execute(text("ALTER TABLE admin_session_audit_trail DISABLE TRIGGER USER"))
        db.session.execute(text(tamper))

        report = audit.verify_chain()

        assert (report.first_bad_seq, problem in (report.problem or "")) == (first_bad, True)

    def test_a_staff_act_outside_a_transaction_is_a_mistake(self, app: Flask) -> None:
        with pytest.raises(RuntimeError, match="in the transaction"):
            audit.record_staff_act(action="ADMIN_TEST", reason="x", ctx=context(), subject_type="user", subject_id=None)


class TestOutbox:
    @pytest.mark.spec("OPS-3")
    def test_one_cause_is_put_once(self, app: Flask) -> None:
        with transaction():
            first = outbox.put("mail.send", key="mail:1", payload={}, ctx=context())
            second = outbox.put("mail.send", key="mail:1", payload={}, ctx=context())

        assert (first is not None, second) == (True, None)

    @pytest.mark.spec("OPS-1")
    def test_a_claimed_row_is_nobody_elses_until_its_lease_ends(self, app: Flask) -> None:
        with transaction():
            row = outbox.put("mail.send", key="mail:1", payload={}, ctx=context())
        assert row is not None
        with transaction():
            first = outbox.claim(row, now=START)
            second = outbox.claim(row, now=START + outbox.LEASE - timedelta(seconds=1))
            third = outbox.claim(row, now=START + outbox.LEASE)

        assert first is not None
        assert second is None
        assert third is not None
        assert third.attempts == 2

    def test_the_first_holder_cannot_settle_what_another_took_over(self, app: Flask) -> None:
        with transaction():
            row = outbox.put("mail.send", key="mail:1", payload={}, ctx=context())
        assert row is not None
        with transaction():
            slow = outbox.claim(row, now=START)
            quick = outbox.claim(row, now=START + outbox.LEASE)
        assert slow is not None
        assert quick is not None
        with pytest.raises(outbox.ClaimLost), transaction():
            outbox.settle(slow, now=START)
        with transaction():
            outbox.settle(quick, now=START)

        assert db.session.scalar(select(OutboxRow.state)) is OutboxState.DONE

    def test_work_for_later_is_not_due_before(self, app: Flask) -> None:
        later = START + timedelta(minutes=5)
        with transaction():
            row = outbox.put("mail.send", key="mail:1", payload={}, ctx=context(), available_at=later)
        with transaction():
            early = outbox.due(now=later - timedelta(seconds=1), limit=10)
            on_time = outbox.due(now=later, limit=10)

        assert (early, on_time) == ([], [row])

    def test_withdrawn_work_is_never_done(self, app: Flask) -> None:
        with transaction():
            row = outbox.put("mail.send", key="mail:1", payload={}, ctx=context())
            assert row is not None
            taken_back = outbox.withdraw(["mail:1"], ctx=context())
            claimed = outbox.claim(row, now=START)

        assert (taken_back, claimed) == (1, None)


class TestPolicies:
    @pytest.mark.spec("POL-1")
    def test_a_change_makes_a_version_a_history_row_and_an_audit_row_with_old_and_new(self, app: Flask) -> None:
        ctx = as_user(a_user())
        before = current_policies()
        with transaction():
            change_policies({"partial_refund_percentage": "60"}, reason="Trying sixty", ctx=ctx)
        after = current_policies()

        assert (before.values.partial_refund_percentage, after.values.partial_refund_percentage) == (70, 60)
        assert after.version_id != before.version_id
        change = db.session.scalars(select(PolicyChange)).one()
        assert (change.key, change.old_value, change.new_value) == ("partial_refund_percentage", 70, 60)
        row = db.session.scalars(select(AdminAuditTrail)).one()
        assert (row.action, row.details) == (
            "ADMIN_POLICY_CHANGED",
            {"changes": {"partial_refund_percentage": {"old": 70, "new": 60}}},
        )

    def test_a_value_out_of_bounds_is_refused_by_its_name_and_changes_nothing(self, app: Flask) -> None:
        before = current_policies()
        with pytest.raises(Invalid) as refusal, transaction():
            change_policies({"partial_refund_percentage": 101}, reason="Too much", ctx=as_user(a_user()))

        assert list(refusal.value.fields) == ["partial_refund_percentage"]
        assert current_policies() == before


class TestIdempotency:
    @pytest.mark.spec("BK-9")
    def test_the_same_key_and_body_answer_the_first_result_again(self, app: Flask) -> None:
        ctx = as_user(a_user(Role.MENTEE))
        calls: list[int] = []

        def run() -> dict[str, int]:
            calls.append(1)
            return {"number": len(calls)}

        first = once("key", scope="book", body={"a": 1}, ctx=ctx, run=run)
        second = once("key", scope="book", body={"a": 1}, ctx=ctx, run=run)

        assert (first, second, len(calls)) == (({"number": 1}, False), ({"number": 1}, True), 1)

    @pytest.mark.spec("BK-9")
    def test_the_same_key_with_another_body_is_refused(self, app: Flask) -> None:
        ctx = as_user(a_user(Role.MENTEE))
        once("key", scope="book", body={"a": 1}, ctx=ctx, run=dict)

        with pytest.raises(IdempotencyMismatch):
            once("key", scope="book", body={"a": 2}, ctx=ctx, run=dict)

    def test_a_refused_first_request_leaves_the_key_free(self, app: Flask) -> None:
        ctx = as_user(a_user(Role.MENTEE))

        def refuse() -> dict[str, int]:
            raise Conflict("no")

        with pytest.raises(Conflict):
            once("key", scope="book", body={}, ctx=ctx, run=refuse)

        assert once("key", scope="book", body={}, ctx=ctx, run=lambda: {"ok": 1}) == ({"ok": 1}, False)
