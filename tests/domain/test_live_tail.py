"""Following a table by numbers that may be committed out of order (NT-2)."""

from __future__ import annotations

import pytest

from app.messaging.feed import Mark, Tail

pytestmark = pytest.mark.spec("NT-2")


def test_a_number_that_was_skipped_keeps_the_mark_below_it_until_it_comes() -> None:
    tail = Tail(10)
    tail.read([11, 13], at=1.0)
    assert (tail.low, tail.last, set(tail.missing)) == (11, 13, {12})
    tail.read([12], at=2.0)
    assert (tail.low, tail.missing) == (13, {})


def test_a_number_that_never_comes_is_waited_for_and_then_given_up() -> None:
    tail = Tail(10)
    tail.read([13], at=1.0)
    tail.read([15], at=5.0)
    tail.give_up(before=2.0)
    assert (tail.low, set(tail.missing)) == (13, {14})
    tail.give_up(before=6.0)
    assert tail.low == 15


def test_a_leap_of_a_million_keeps_a_thousand_gaps_at_most() -> None:
    tail = Tail(0)
    tail.read([1_000_000], at=1.0)
    assert len(tail.missing) == 1_000


@pytest.mark.parametrize("text", ["", "1.2", "1.2.3.4", "a.b.c", "1.2.-3", "1.2.3\n", "9999999999999999999.1.1", None])
def test_what_is_no_mark_is_taken_for_none(text: str | None) -> None:
    assert Mark.read(text) is None


def test_a_mark_reads_as_it_is_written() -> None:
    assert Mark.read(str(Mark(1, 22, 333))) == Mark(1, 22, 333)
