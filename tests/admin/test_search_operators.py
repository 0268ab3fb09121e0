"""The search box: words, phrases and operators, and what is said of those that cannot be understood (SL-2)."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from app.domain.vocabulary import SessionStatus
from app.support import session_list
from app.support.search_operators import OPERATORS, take_apart
from app.support.session_filter import read_filter, read_what_can_be_read
from app.support.session_shape import terms_of
from tests.admin.conftest import Statements
from tests.admin.test_sessions_list import PATH, rows, shown
from tests.factories import people, sessions

SOMEBODY = "7cf00515-af63-4e98-bfdf-e5a61d737230"


@pytest.mark.spec("SL-2")
@pytest.mark.parametrize(
    "text, words, arguments",
    [
        ("", "", {}),
        ("how to lead", "how to lead", {}),
        ("status:cancelled", "", {"status": ["cancelled"]}),
        ("Status:No-Show", "", {"status": ["no_show"]}),
        ("status:draft status:scheduled,no-show", "", {"status": ["draft", "scheduled,no_show"]}),
        ("lead status:cancelled a team", "lead a team", {"status": ["cancelled"]}),
        ("mentor:ada", "", {"mentor": [], "mentor_name": ["ada"]}),
        ('mentee:"sam  lee"', "", {"mentee": [], "mentee_name": ["sam  lee"]}),
        (f"mentor:{SOMEBODY}", "", {"mentor": [SOMEBODY], "mentor_name": []}),
        ("type:in-person refund:pending", "", {"meeting_type": ["in_person"], "refund": ["pending"]}),
        ("reassigned:yes proposal:no", "", {"reassigned": ["yes"], "pending_reschedule": ["no"]}),
        ("from:2026-01-01 to:2026-02-01", "", {"from": ["2026-01-01"], "to": ["2026-02-01"]}),
        ("on:2026-01-01", "", {"from": ["2026-01-01"], "to": ["2026-01-01"]}),
        ("cancelled-by:mentor cancelled_by:admin", "", {"cancelled_by": ["mentor", "admin"]}),
        ("reason:schedule-conflict currency:eur", "", {"reason": ["schedule_conflict"], "currency": ["EUR"]}),
        ("queue:without-link", "", {"queue": ["without_link"]}),
        ('"exact  words" more', '"exact words" more', {}),
        ('"status:cancelled"', '"status:cancelled"', {}),
        ("Career: next steps at 10:30", "Career: next steps at 10:30", {}),
        ('an open " mark', 'an open " mark', {}),
        ("mentor:ada mentor:ada", "", {"mentor": [], "mentor_name": ["ada", "ada"]}),
    ],
)
def test_what_is_typed_falls_into_words_and_operators(text: str, words: str, arguments: dict[str, list[str]]) -> None:
    typed = take_apart(text)
    assert (typed.wrong, typed.words, typed.arguments) == ("", words, arguments)
    # What is left stands in the box again, and means the same when it is sent once more.
    assert take_apart(typed.words).words == words


@pytest.mark.spec("SL-2", "UX-3")
@pytest.mark.parametrize(
    "text, told",
    [
        ("colour:red", "There is no colour: to search by. There are status:, from:"),
        ("https://meet.example", 'put them in quotation marks: "https://meet.example"'),
        ("status:", "What should status: be? For example status:cancelled"),
        ("status:gone", "status: There is no 'gone'. Use one of: draft"),
        ("refund:later", "refund: There is no 'later'. Use one of: none, pending"),
        ("type:phone", "type: There is no 'phone'. Use one of: video"),
        ("from:yesterday", "from: A day is written like 2026-11-14."),
        ("on:soon", "on: A day is written like 2026-11-14."),
        ("to:2026-01-01 from:2026-02-01", "to: The last day lies before the first."),
        ("reassigned:perhaps", "reassigned: Use yes or no."),
        ("proposal:2", "proposal: Use yes or no."),
        ("cancelled-by:nobody", "cancelled-by: There is no 'nobody'."),
        ("queue:mine", "queue: There is no such queue of sessions."),
        ("mentor:ada mentor:bob", "mentor: can be one thing only, and is given 2 times."),
        ("x" * 500, "Type at most 400 characters."),
    ],
)
def test_an_operator_that_cannot_be_understood_is_answered_under_the_box(text: str, told: str) -> None:
    _, wrong = read_what_can_be_read({"q": [text]}, zone="UTC")
    assert wrong is not None
    assert list(wrong.fields) == ["q"]
    assert told in wrong.fields["q"]


@pytest.mark.spec("SL-2")
def test_every_filter_has_an_operator_and_its_example_works() -> None:
    filled = {
        name
        for operator in OPERATORS.values()
        for name in read_filter({"q": [operator.example]}, zone="UTC").arguments()
    }
    assert filled >= {
        "status", "from", "to", "mentor_name", "mentee_name", "meeting_type", "refund", "reassigned",
        "pending_reschedule", "cancelled_by", "reason", "currency", "queue",
    }  # fmt: skip
    assert read_filter({"q": [f"mentor:{SOMEBODY}"]}, zone="UTC").mentor_id == UUID(SOMEBODY)


@pytest.mark.spec("SL-2")
def test_an_operator_takes_the_place_of_the_filter_that_was_there() -> None:
    before = {"status": ["completed"], "mentor": [SOMEBODY], "refund": ["failed"]}
    found = read_filter({**before, "q": ["status:cancelled mentor:ada"]}, zone="UTC").arguments()
    assert found == {"status": ["cancelled"], "mentor_name": ["ada"], "refund": ["failed"]}


def test_phrases_are_looked_for_as_they_stand() -> None:
    terms = terms_of('lead "Exact words" "a.b"')
    assert terms.title == "('exact' <-> 'words') & ('a' <-> 'b') & 'lead':*"
    assert terms_of('"sam@example.org"').address == "sam@example.org%"


@pytest.mark.spec("SL-2")
@pytest.mark.parametrize(
    "text, is_found",
    [
        ("status:scheduled mentor:hopp type:video lead", True),
        ("status:scheduled mentor:grace@", True),
        ('mentor:"grace hopper" mentee:sam', True),
        ("mentor:sam", False),
        ("mentee:grace", False),
        ("mentor:nobody", False),
        ("mentor:%", False),
        ('"to lead"', True),
        ('"lead to"', False),
        ('"how to le"', False),
        ("on:2028-03-01 refund:none reassigned:no proposal:no", True),
        ("on:2028-03-02 mentor:grace", False),
    ],
)
def test_operators_find_what_they_say(support: FlaskClient, text: str, is_found: bool) -> None:
    mentor = people.a_mentor(name="Grace Hopper", email="grace@mentors.example")
    session = sessions.a_paid_session(mentor=mentor, mentee=people.a_mentee(name="Sam Lee"), title="How to lead a team")
    sessions.a_paid_session(title="Something else", at=sessions.START_AT + timedelta(days=7))
    for sort in ("created_at", "mentor"):
        page = support.get(PATH, query_string={"q": text, "sort": sort})
        assert shown(page) == ([str(session.id)] if is_found else [])


@pytest.mark.spec("SL-2", "SL-4")
def test_a_name_that_many_have_is_walked_and_counted_only_so_far(
    support: FlaskClient, monkeypatch: pytest.MonkeyPatch, statements: Statements
) -> None:
    monkeypatch.setattr(session_list, "COUNT_CAP", 2)
    monkeypatch.setattr(session_list, "_gather_statement", session_list._gather_statement.__wrapped__)
    made = rows(4, status=SessionStatus.SCHEDULED, mentor_id=people.a_mentor(name="Grace Hopper").id)
    found = {str(one.id) for one in made}
    sessions.a_paid_session()
    statements.clear()
    page = support.get(PATH, query_string={"q": "mentor:grace status:scheduled"})
    assert set(shown(page)) == found
    assert len(statements) <= 5, statements.all


@pytest.mark.spec("SL-2", "UX-3")
def test_nothing_typed_is_lost_when_some_of_it_is_wrong(support: FlaskClient) -> None:
    session = sessions.a_paid_session()
    page = support.get(PATH, query_string={"q": 'lead "a team" colour:red', "status": "completed"})
    assert page.status_code == 422
    assert 'value="lead &#34;a team&#34; colour:red"' in page.text
    assert "There is no colour: to search by." in page.text
    assert 'aria-describedby="q-problem"' in page.text
    assert '<input type="hidden" name="status" value="completed">' in page.text
    assert str(session.id) not in page.text


@pytest.mark.spec("SL-2", "UX-1")
def test_the_operators_are_explained_beside_the_box(support: FlaskClient) -> None:
    assert f'href="{PATH}search-help" data-dialog' in support.get(PATH).text
    page = support.get(f"{PATH}search-help")
    told = re.findall(r"<dt><code>([^<]+)</code>", page.text)
    assert len(told) == len(OPERATORS)
    assert "status:cancelled,no-show" in told
