"""The policies in force, the ones a session was promised, and how they change (POL)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from app.domain.context import Context
from app.domain.errors import Invalid, StaleVersion
from app.domain.policies import POLICIES, PolicyValue, Snapshot, check_coherent, merge, value_as_json
from app.extensions import db
from app.foundation.audit import record_staff_act
from app.foundation.prepared import Prepared
from app.foundation.transaction import memo, reading_memo
from app.models import MentoringSession, PolicyChange, PolicyVersion, SessionPolicy

_MEMO = "policies"


@dataclass(frozen=True, slots=True)
class PoliciesInForce:
    """All values at one moment and the version that states them."""

    version_id: UUID
    values: Snapshot


@lru_cache(maxsize=256)
def _version(version_id: UUID) -> Snapshot:
    """Versions are immutable, so that one read serves the process."""
    stored = db.session.scalars(select(PolicyVersion.values).where(PolicyVersion.id == version_id)).one()
    return Snapshot.from_json(stored)


def current_policies() -> PoliciesInForce:
    """The newest version; one transaction sees one version throughout."""
    known = memo()
    if _MEMO not in known:
        known[_MEMO] = _newest()
    found: PoliciesInForce = known[_MEMO]
    return found


def newest_version() -> Select[UUID]:
    """The statement that finds the version in force, for whoever asks for it beside something else (PERF-7)."""
    return select(PolicyVersion.id).order_by(PolicyVersion.number.desc()).limit(1)


def note_newest(version_id: UUID) -> None:
    """This function will spare a request that only reads the question which version is in force."""
    reading = reading_memo()
    if reading is not None:
        reading[_MEMO] = PoliciesInForce(version_id, _version(version_id))


# Asked in every transaction, so it is put together once.
_NEWEST = Prepared(newest_version())


def _newest() -> PoliciesInForce:
    version_id = _NEWEST.run().scalar_one()
    return PoliciesInForce(version_id, _version(version_id))


def policies_for(session: MentoringSession) -> PoliciesInForce:
    """What a session lives under: what was promised when it was booked, and today's settings for the rest (POL-5)."""
    return policies_under(session.policy_version_id, current_policies())


def policies_under(version_id: UUID, current: PoliciesInForce) -> PoliciesInForce:
    """The same for a page of sessions, which reads what is in force only once (PERF-7)."""
    if version_id == current.version_id:
        return current
    return PoliciesInForce(version_id, merge(_version(version_id), current.values))


def change_policies(
    raw_values: Mapping[str, Any],
    *,
    reason: str,
    ctx: Context,
    seen: UUID | None = None,
    also: Callable[[PoliciesInForce], Mapping[str, Any]] | None = None,
) -> PoliciesInForce:
    """This function will put new values into force, as one immutable version with its audit row (POL-1).

    Call it inside a transaction; permission is the caller's question.

    :param seen: the version that the editor looked at; None changes whatever is in force
    :param also: what else the change does, once the version is there; it gives what the audit row tells of it
    :raises Invalid: naming every bad key, or when nothing would change
    :raises StaleVersion: somebody else changed the policies since
    """
    # Two editors at once: the second waits here and then compares with what the first stored.
    db.session.execute(select(SessionPolicy.key).with_for_update())
    in_force = _newest()
    if seen is not None and seen != in_force.version_id:
        raise StaleVersion("The policies were changed on another screen. Look at them again, then decide.")
    before = in_force.values
    after, changed = changed_values(before, raw_values)
    version = PolicyVersion(
        id=uuid4(), values=after.as_json(), created_by=ctx.actor.user_id, reason=reason, created_at=ctx.now
    )
    db.session.add(version)
    db.session.flush()  # the history rows refer to it
    memo().pop(_MEMO, None)
    for key in changed:
        _store(key, before, after, version, reason, ctx)
    done = PoliciesInForce(version.id, after)
    more = also(done) if also is not None else {}
    record_staff_act(
        action="ADMIN_POLICY_CHANGED",
        reason=reason,
        ctx=ctx,
        subject_type="policy",
        subject_id=version.id,
        details={
            "changes": {
                key: {
                    "old": value_as_json(before[key]),
                    "new": value_as_json(after[key]),
                }
                for key in changed
            },
            **more,
        },
    )
    return done


def changed_values(before: Snapshot, raw_values: Mapping[str, Any]) -> tuple[Snapshot, dict[str, PolicyValue]]:
    """All values after an edit, and those of them that differ.

    :raises Invalid: naming every bad key, when the values make no sense together, or when nothing would change
    """
    after = before.changed(raw_values)
    check_coherent(after)
    changed = {key: after[key] for key in POLICIES if before[key] != after[key]}
    if not changed:
        raise Invalid("Nothing would change: these are the values in force.")
    return after, changed


def _store(key: str, before: Snapshot, after: Snapshot, version: PolicyVersion, reason: str, ctx: Context) -> None:
    spec = POLICIES[key]
    new = value_as_json(after[key])
    row = {
        "key": key,
        "value": new,
        "type": spec.type.value,
        "description": spec.description,
        "group": spec.group.value,
        "updated_by": ctx.actor.user_id,
        "updated_at": ctx.now,
    }
    db.session.execute(insert(SessionPolicy).values(row).on_conflict_do_update(index_elements=["key"], set_=row))
    db.session.add(
        PolicyChange(
            policy_version_id=version.id,
            key=key,
            old_value=value_as_json(before[key]),
            new_value=new,
            changed_by=ctx.actor.user_id,
            reason=reason,
            created_at=ctx.now,
        )
    )
