"""Schemathesis reads the published document and sends what fits it, and what does not, as everybody who may ask.

Ours in ``test_fuzz.py`` knows what exists; this one knows what others expect of a document.
"""

from __future__ import annotations

import os
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.transport.wsgi import WSGI_TRANSPORT

from app.api.endpoints import api
from app.api.openapi import document
from tests.api.contract import token_of
from tests.factories.people import a_support_agent, an_admin
from tests.factories.sessions import a_paid_session, a_pending_request, fresh

SCHEMA: Final = openapi.from_dict(document(api.endpoints.values(), title="Tests", server="http://localhost"))
OPERATIONS: Final = {result.ok().definition.raw["operationId"]: result.ok() for result in SCHEMA.get_all_operations()}
# More on demand: DESK_EXAMPLES=200 pytest tests/api/test_schemathesis.py
EXAMPLES: Final = int(os.environ.get("DESK_EXAMPLES", "15"))
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


@pytest.fixture
def tokens(client: FlaskClient) -> dict[str, str | None]:
    """A secret for each who may ask, over a world in which something exists."""
    session = fresh(a_paid_session())
    a_pending_request()
    return {
        "anonymous": None,
        "mentee": token_of(session.mentee),
        "mentor": token_of(session.mentor),
        "support": token_of(a_support_agent()),
        "admin": token_of(an_admin()),
    }


@pytest.mark.spec("API-1")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_answer_is_one_that_the_document_promises(
    name: str, client: FlaskClient, tokens: dict[str, str | None]
) -> None:
    operation = OPERATIONS[name]
    fitting = operation.as_strategy(GenerationMode.POSITIVE)
    wrong = operation.as_strategy(GenerationMode.NEGATIVE)

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
