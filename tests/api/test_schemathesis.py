"""Schemathesis reads the published document and sends what fits it, and what does not, as everybody who may ask.

Ours in ``test_fuzz.py`` knows what exists; this one knows what others expect of a document.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.transport.wsgi import WSGI_TRANSPORT

from app.api.endpoints import api
from app.api.openapi import document
from app.extensions import db
from app.models import MentoringSession
from tests.api.contract import token_of
from tests.api.staff_posts import a_waiting_refund, an_override
from tests.architecture.test_role_matrix import undone
from tests.conftest import rolled_back
from tests.factories.disputes import a_dispute
from tests.factories.people import a_mentor, a_support_agent, an_admin
from tests.factories.sessions import a_paid_session, a_pending_request, fresh
from tests.world import Clock

SCHEMA: Final = openapi.from_dict(document(api.endpoints.values(), title="Tests", server="http://localhost"))
OPERATIONS: Final = {result.ok().definition.raw["operationId"]: result.ok() for result in SCHEMA.get_all_operations()}
# More on demand: DESK_EXAMPLES=200 pytest tests/api/test_schemathesis.py
EXAMPLES: Final = int(os.environ.get("DESK_EXAMPLES", "10"))
ROLES: Final = ("anonymous", "mentee", "mentor", "support", "admin")

load_all_checks()
_CHECKS: Final = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)


@dataclass(frozen=True)
class Standing:
    """What exists, and a secret for each who may ask; made once, for all operations."""

    session_id: UUID
    tokens: dict[str, str | None]


@pytest.fixture(scope="module")
def standing(shared_app: Flask) -> Iterator[Standing]:
    with rolled_back(shared_app), pytest.MonkeyPatch.context() as patch:
        patch.setitem(shared_app.extensions, "desk-clock", Clock())
        a_pending_request()
        session = fresh(a_paid_session())
        people = {"mentee": session.mentee, "mentor": session.mentor, "support": a_support_agent(), "admin": an_admin()}
        secrets = {role: token_of(user) for role, user in people.items()}
        yield Standing(session.id, {"anonymous": None, **secrets})


@pytest.fixture
def app(standing: Standing, shared_app: Flask) -> Iterator[Flask]:
    """The application with what stands, in a transaction that is rolled back."""
    with shared_app.app_context(), undone():
        yield shared_app


@pytest.fixture
def session(client: FlaskClient, standing: Standing) -> MentoringSession:
    """What exists."""
    return db.session.get_one(MentoringSession, standing.session_id)


@pytest.fixture
def tokens(standing: Standing) -> dict[str, str | None]:
    """A secret for each who may ask."""
    return standing.tokens


def existing_id(part: str, session: MentoringSession) -> UUID | str:
    """Something that a part of a path of staff's can name: what is no id is none of these."""
    made: dict[str, Callable[[], UUID]] = {
        "id": lambda: session.id,
        "disputeId": lambda: a_dispute().id,
        "overrideId": lambda: an_override(session),
        "refundId": a_waiting_refund,
        "userId": lambda: a_mentor(is_verified=False).id,
    }
    return made[part]() if part in made else "measures"


@pytest.mark.spec("API-1")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_answer_is_one_that_the_document_promises(
    name: str, client: FlaskClient, session: MentoringSession, tokens: dict[str, str | None]
) -> None:
    operation = OPERATIONS[name]
    fitting = operation.as_strategy(GenerationMode.POSITIVE)
    wrong = operation.as_strategy(GenerationMode.NEGATIVE)
    parts = re.findall(r"{(\w+)}", operation.path)
    if operation.path.startswith("/api/admin/") and parts:
        # Ids out of nowhere find nothing; staff's acts shall meet what exists as well.
        known = {part: str(existing_id(part, session)) for part in parts}
        fitting |= operation.as_strategy(GenerationMode.POSITIVE).map(partial(at, known))

    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
    )
    @given(st.sampled_from(ROLES), fitting | wrong)
    def send(role: str, case: Any) -> None:
        assert isinstance(case, Case)
        headers = {"Authorization": f"Bearer {tokens[role]}"} if tokens[role] else {}
        response = WSGI_TRANSPORT.send(case, session=client, headers=headers, app=client.application)
        case.validate_response(response, checks=_CHECKS, headers=headers)

    send()


def at(known: dict[str, str], case: Any) -> Any:
    """The same, asked of something that exists."""
    case.path_parameters = dict(known)
    return case
