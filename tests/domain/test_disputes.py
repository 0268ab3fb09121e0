"""The clock of a dispute, its words, its evidence, and who may end it how (DSP-1 to DSP-4)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.domain.dispute_clock import (
    DEFAULT_TARGETS,
    Deadlines,
    DisputeClock,
    SlaLevel,
    deadlines_after_change,
    deadlines_after_waiting,
    decide_escalation,
    first_deadlines,
    raised,
    targets_of,
)
from app.domain.disputes import (
    NEEDED,
    decide_answer,
    decide_handling,
    decide_more_files,
    decide_words,
    first_priority,
    outcomes_for,
)
from app.domain.errors import Conflict, Invalid
from app.domain.evidence import ENDINGS, EvidenceKind, kind_of, shown_name
from app.domain.policies import DEFAULTS
from app.domain.vocabulary import (
    DisputeCategory,
    DisputePriority,
    DisputeResolution,
    DisputeStatus,
    Role,
    SessionStatus,
)
from tests.domain.facts import at

OPENED = at("2028-02-29 01:30")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
URGENT, HIGH, MEDIUM, LOW = (
    DisputePriority.URGENT, DisputePriority.HIGH, DisputePriority.MEDIUM, DisputePriority.LOW,
)  # fmt: skip


def a_clock(priority: DisputePriority = URGENT, **columns: object) -> DisputeClock:
    known: dict[str, object] = {
        "priority": priority, "opened_at": OPENED, "deadlines": first_deadlines(priority, OPENED),
    }  # fmt: skip
    return DisputeClock(**(known | columns))  # type: ignore[arg-type]


@pytest.mark.spec("DSP-3")
class TestClock:
    @pytest.mark.parametrize(
        "priority, first, resolution", [(URGENT, 1, 8), (HIGH, 4, 24), (MEDIUM, 24, 72), (LOW, 48, 168)]
    )
    def test_each_priority_has_its_two_deadlines(self, priority: DisputePriority, first: int, resolution: int) -> None:
        assert a_clock(priority).due_at == OPENED + first * HOUR
        assert a_clock(priority, answered_at=OPENED + SECOND).due_at == OPENED + resolution * HOUR

    @pytest.mark.parametrize(
        "passed, level",
        [
            (timedelta(minutes=45) - SECOND, SlaLevel.ON_TIME),
            (timedelta(minutes=45), SlaLevel.WARNING),
            (HOUR - SECOND, SlaLevel.WARNING),
            (HOUR, SlaLevel.BREACHED),
        ],
    )
    def test_a_warning_at_75_percent_and_a_breach_at_100(self, passed: timedelta, level: SlaLevel) -> None:
        assert a_clock().level(OPENED + passed) is level

    def test_the_share_of_time_used_stays_between_0_and_100(self) -> None:
        assert [a_clock().share_used(OPENED + passed) for passed in (-HOUR, HOUR / 2, 9 * HOUR)] == [0, 50, 100]

    def test_the_targets_are_policies(self) -> None:
        changed = targets_of(DEFAULTS.changed({"dispute_urgent_answer_hours": 2}))
        assert changed[URGENT].first_answer == 2 * HOUR
        assert a_clock(deadlines=first_deadlines(URGENT, OPENED, changed)).due_at == OPENED + 2 * HOUR

    def test_priority_rises_one_step_and_urgent_stays_urgent(self) -> None:
        assert [raised(each) for each in DisputePriority] == ["medium", "high", "urgent", "urgent"]


@pytest.mark.spec("DSP-2", "DSP-3")
class TestWaiting:
    def test_time_stands_still_while_the_reporter_is_asked(self) -> None:
        clock = a_clock(waiting_since=OPENED + HOUR / 2)
        assert clock.level(OPENED + 90 * HOUR) is SlaLevel.ON_TIME
        assert decide_escalation(clock, OPENED + 90 * HOUR) is None

    def test_what_had_not_passed_moves_by_as_long_as_it_took(self) -> None:
        clock = a_clock(waiting_since=OPENED + HOUR / 2)
        moved = deadlines_after_waiting(clock, OPENED + HOUR / 2 + 5 * HOUR)
        assert moved == Deadlines(OPENED + 6 * HOUR, OPENED + 13 * HOUR)

    def test_a_promise_that_was_broken_before_stays_broken(self) -> None:
        clock = a_clock(waiting_since=OPENED + 2 * HOUR)
        moved = deadlines_after_waiting(clock, OPENED + 4 * HOUR)
        assert moved == Deadlines(OPENED + HOUR, OPENED + 10 * HOUR)


@pytest.mark.spec("DSP-3")
class TestEscalation:
    def test_nothing_is_due_before_three_quarters(self) -> None:
        assert decide_escalation(a_clock(HIGH), OPENED + 3 * HOUR - SECOND) is None

    def test_a_warning_is_given_once(self) -> None:
        found = decide_escalation(a_clock(HIGH), OPENED + 3 * HOUR)
        assert found is not None
        assert (found.level, found.priority) == (SlaLevel.WARNING, HIGH)
        assert decide_escalation(a_clock(HIGH, warned_at=OPENED + 3 * HOUR), OPENED + 3 * HOUR + SECOND) is None

    def test_a_breach_raises_the_priority_whose_time_runs_from_now(self) -> None:
        now = OPENED + 4 * HOUR
        found = decide_escalation(a_clock(HIGH), now)
        assert found is not None
        assert (found.level, found.priority) == (SlaLevel.BREACHED, URGENT)
        assert found.deadlines == first_deadlines(URGENT, now)

    def test_urgent_stays_urgent_late_and_is_told_once(self) -> None:
        now = OPENED + HOUR
        found = decide_escalation(a_clock(), now)
        assert found is not None
        assert (found.priority, found.deadlines) == (URGENT, a_clock().deadlines)
        assert decide_escalation(a_clock(breached_at=now), now + 5 * HOUR) is None
        answered = a_clock(breached_at=now, answered_at=now)
        assert decide_escalation(answered, OPENED + 8 * HOUR) is not None


@pytest.mark.spec("DSP-2", "DSP-3")
class TestChangeOfPriority:
    def test_more_urgent_runs_from_now_but_never_ends_later_than_promised(self) -> None:
        now = OPENED + HOUR
        assert deadlines_after_change(a_clock(LOW), URGENT, now) == first_deadlines(URGENT, now)
        late = OPENED + 47 * HOUR
        assert deadlines_after_change(a_clock(LOW), HIGH, late) == Deadlines(
            OPENED + 48 * HOUR, late + DEFAULT_TARGETS[HIGH].resolution
        )

    def test_a_broken_promise_gets_the_new_priority_s_time(self) -> None:
        now = OPENED + 50 * HOUR
        assert deadlines_after_change(a_clock(LOW), URGENT, now).answer == now + HOUR

    def test_less_urgent_counts_from_the_opening_and_what_was_waited(self) -> None:
        clock = a_clock(HIGH, waited=3 * HOUR)
        assert deadlines_after_change(clock, MEDIUM, OPENED + HOUR) == Deadlines(OPENED + 27 * HOUR, OPENED + 75 * HOUR)


@pytest.mark.spec("DSP-2")
class TestHandling:
    @pytest.mark.parametrize("status", [DisputeStatus.RESOLVED, DisputeStatus.DISMISSED])
    def test_what_is_closed_stays_closed(self, status: DisputeStatus) -> None:
        with pytest.raises(Conflict) as refusal:
            decide_handling(status, awaits_approval=False).require()
        assert refusal.value.error_code == "dispute_closed"
        assert not decide_answer(status, is_asked=True).allowed

    @pytest.mark.spec("DSP-4", "MN-9")
    def test_one_that_waits_for_a_second_person_is_talked_about_but_not_ended(self) -> None:
        decide_handling(DisputeStatus.IN_PROGRESS, awaits_approval=True).require()
        with pytest.raises(Conflict) as refusal:
            decide_handling(DisputeStatus.IN_PROGRESS, awaits_approval=True, ends=True).require()
        assert refusal.value.error_code == "awaiting_approval"

    @pytest.mark.spec("DSP-4", "ADM-2")
    def test_an_outcome_of_another_role_is_not_offered(self) -> None:
        assert set(NEEDED) == set(DisputeResolution)
        assert set(outcomes_for(Role.ADMIN)) == set(DisputeResolution)
        assert set(outcomes_for(Role.SUPPORT)) == set(DisputeResolution) - {DisputeResolution.ACCOUNT_SUSPENDED}
        for role in (Role.OPS, Role.MENTEE, Role.MENTOR, None):
            assert outcomes_for(role) == ()

    def test_trouble_in_a_running_session_comes_first(self) -> None:
        assert first_priority(DisputeCategory.OTHER, SessionStatus.IN_PROGRESS) is URGENT
        assert first_priority(DisputeCategory.BEHAVIOR, SessionStatus.COMPLETED) is HIGH
        assert {first_priority(each, SessionStatus.COMPLETED) for each in DisputeCategory} == {HIGH, MEDIUM, LOW}


@pytest.mark.spec("DSP-1")
class TestReport:
    @pytest.mark.parametrize("length, fits", [(2, False), (3, True), (200, True), (201, False)])
    def test_a_text_has_its_bounds(self, length: int, fits: bool) -> None:
        assert decide_words({"reason": "x" * length}, {"reason": (3, 200)}).allowed is fits

    @pytest.mark.parametrize("had, added, fits", [(0, 5, True), (0, 6, False), (4, 1, True), (5, 1, False)])
    def test_five_files_and_not_a_sixth(self, had: int, added: int, fits: bool) -> None:
        decision = decide_more_files(had, added)
        assert decision.allowed is fits
        if not fits:
            with pytest.raises(Invalid):
                decision.require()


@pytest.mark.spec("DSP-1", "SEC-4")
class TestEvidence:
    @pytest.mark.parametrize(
        "content, kind",
        [
            (b"\xff\xd8\xff\xe0rest", EvidenceKind.JPEG),
            (b"\x89PNG\r\n\x1a\nrest", EvidenceKind.PNG),
            (b"RIFF\x00\x00\x00\x00WEBPrest", EvidenceKind.WEBP),
            (b"GIF89arest", EvidenceKind.GIF),
            (b"%PDF-1.7\n...\n%%EOF\n", EvidenceKind.PDF),
            ("Grüße\n".encode(), EvidenceKind.TEXT),
            (b"%PDF-1.7 cut off", None),
            (b"MZ\x90\x00\x03", None),
            (b"\x7fELF\x02\x01", None),
            (b"PK\x03\x04zip", None),
            (b"<!DOCTYPE html><script>alert(1)</script>", None),
            (b"  <svg xmlns='x' onload='alert(1)'/>", None),
            (b"<?xml version='1.0'?><svg/>", None),
            (b"#!/bin/sh\nrm -rf /", None),
            (b"text with a \x00 in it", None),
            ("no utf-8: ü".encode("latin-1"), None),
        ],
        ids=lambda value: value[:8].hex() if isinstance(value, bytes) else str(value),
    )
    def test_a_file_is_what_its_content_says(self, content: bytes, kind: EvidenceKind | None) -> None:
        assert kind_of(content) is kind

    @pytest.mark.parametrize(
        "given, shown",
        [
            ("photo.PNG.exe", "photo.PNG.png"),
            ("../../etc/passwd", "passwd.png"),
            ("C:\\temp\\a.png", "a.png"),
            ("", "file.png"),
            ("...", "file.png"),
            ("a\r\nSet-Cookie: x.png", "aSet-Cookie x.png"),
            ('a"b;c%0d.png', "abc0d.png"),
            ("x" * 400 + ".png", "x" * 120 + ".png"),
        ],
    )
    def test_a_name_is_shown_and_never_used(self, given: str, shown: str) -> None:
        assert shown_name(given, EvidenceKind.PNG) == shown

    def test_every_kind_has_its_ending(self) -> None:
        assert set(ENDINGS) == set(EvidenceKind)
