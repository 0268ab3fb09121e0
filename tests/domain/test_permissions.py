"""Who may ask for what (ADM-2), and nobody decides a case of their own."""

from __future__ import annotations

from uuid import UUID

import pytest

from app.domain.context import ANONYMOUS, CLOCK, PAYMENT, SYSTEM, Actor
from app.domain.errors import Forbidden, SignInRequired
from app.domain.permissions import PERMISSIONS, Permission, is_party, may, require, require_no_party
from app.domain.vocabulary import STAFF_ROLES, Role

ADA = UUID(int=1)

# What the specification says of each role, in the order it says it.
SUPPORT = [
    Permission.SESSION_VIEW, Permission.PAYMENT_VIEW, Permission.AUDIT_VIEW, Permission.CHAT_READ,
    Permission.EVIDENCE_VIEW, Permission.NOTE_ADD, Permission.DISPUTE_RESOLVE, Permission.SESSION_FORCE_CANCEL,
    Permission.SESSION_FORCE_COMPLETE, Permission.SESSION_CLEAR_NO_SHOW, Permission.SESSION_REASSIGN,
    Permission.OVERRIDE_GRANT, Permission.REFUND_CREATE,
]  # fmt: skip
ADMIN_ONLY = [
    Permission.REFUND_APPROVE, Permission.POLICY_EDIT, Permission.USER_GRANT_ROLE, Permission.USER_SUSPEND,
    Permission.PAYOUT_RECORD, Permission.AUDIT_EXPORT, Permission.MENTOR_VERIFY,
]  # fmt: skip
OPS = [
    Permission.JOB_RETRY, Permission.HEALTH_VIEW, Permission.MAIL_VIEW, Permission.RECONCILIATION_RUN,
    Permission.SESSION_VIEW,
]  # fmt: skip
NOT_FOR_OPS = [
    Permission.CHAT_READ, Permission.EVIDENCE_VIEW, Permission.EVIDENCE_EXPORT, Permission.NOTE_ADD,
    Permission.SESSION_FORCE_CANCEL, Permission.REFUND_CREATE, Permission.DISPUTE_RESOLVE, Permission.POLICY_EDIT,
]  # fmt: skip


@pytest.mark.spec("ADM-2")
class TestRoles:
    @pytest.mark.parametrize("permission", SUPPORT)
    def test_support_and_admin_work_on_cases(self, permission: Permission) -> None:
        assert may(Role.SUPPORT, permission)
        assert may(Role.ADMIN, permission)

    @pytest.mark.parametrize("permission", ADMIN_ONLY)
    def test_some_things_are_for_admins_alone(self, permission: Permission) -> None:
        assert [role for role in Role if may(role, permission)] == [Role.ADMIN]

    @pytest.mark.parametrize("permission", OPS)
    def test_ops_keep_it_running(self, permission: Permission) -> None:
        assert may(Role.OPS, permission)

    @pytest.mark.parametrize("permission", NOT_FOR_OPS)
    def test_ops_read_sessions_only_and_neither_chat_nor_evidence(self, permission: Permission) -> None:
        assert not may(Role.OPS, permission)

    def test_an_admin_may_what_support_and_ops_may(self) -> None:
        assert PERMISSIONS[Role.SUPPORT] | PERMISSIONS[Role.OPS] < PERMISSIONS[Role.ADMIN]

    def test_parties_have_nothing_of_the_staff_s_and_staff_nothing_of_a_party_s(self) -> None:
        everybody = {Permission.OWN_NOTIFICATION_READ, Permission.OWN_PROFILE_EDIT, Permission.OWN_TOKEN_MANAGE}
        for role in Role:
            own = {each for each in PERMISSIONS[role] if each.value.startswith("own_")}
            if role in STAFF_ROLES:
                assert own == everybody
            else:
                assert own == PERMISSIONS[role]

    def test_every_permission_is_somebody_s(self) -> None:
        assert frozenset().union(*PERMISSIONS.values()) == set(Permission)

    def test_the_list_is_in_alphabetical_order(self) -> None:
        assert [each.name for each in Permission] == sorted(each.name for each in Permission)
        assert all(each.name.lower().endswith(each.value.rpartition(".")[2]) for each in Permission)


@pytest.mark.spec("ADM-2", "SEC-1")
class TestRequire:
    def test_a_role_without_it_is_refused_and_told_which(self) -> None:
        with pytest.raises(Forbidden) as refusal:
            require(Actor.user(ADA, Role.MENTEE), Permission.POLICY_EDIT)

        assert refusal.value.details == {"permission": "policy.edit"}

    def test_a_stranger_is_asked_to_sign_in(self) -> None:
        with pytest.raises(SignInRequired):
            require(ANONYMOUS, Permission.OWN_PROFILE_EDIT)

    def test_the_command_line_may_everything_and_clock_and_payments_ask_for_nothing(self) -> None:
        for permission in Permission:
            require(SYSTEM, permission)
            for actor in (CLOCK, PAYMENT):
                with pytest.raises(Forbidden):
                    require(actor, permission)

    def test_a_role_with_it_passes(self) -> None:
        require(Actor.user(ADA, Role.ADMIN), Permission.POLICY_EDIT)

    def test_nobody_signed_in_may_nothing(self) -> None:
        assert not any(may(None, permission) for permission in Permission)


@pytest.mark.spec("ADM-2")
def test_nobody_decides_a_case_in_which_they_are_a_party() -> None:
    ada = Actor.user(ADA, Role.ADMIN)

    assert is_party(ada, [None, ADA])
    require_no_party(ada, [UUID(int=2), None])
    require_no_party(CLOCK, [None])
    with pytest.raises(Forbidden) as refusal:
        require_no_party(ada, [UUID(int=2), ADA])
    assert refusal.value.error_code == "own_case"


@pytest.mark.parametrize("actor, role, staff", [(CLOCK, None, False), (Actor.user(ADA, Role.OPS), Role.OPS, True)])
def test_only_users_have_a_role(actor: Actor, role: Role | None, staff: bool) -> None:
    assert (actor.role, actor.is_staff) == (role, staff)
