"""The published description of the API is complete, valid, and loads nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api.endpoints import api
from app.api.openapi import path_of

_OWN_PAGES = {"api.openapi_document", "api.docs"}


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return client.get("/api/openapi.json").get_json()


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(each) for each in value.values())) if value else own
    if isinstance(value, list):
        return set().union(*(references(each) for each in value)) if value else set()
    return set()


def test_every_route_of_the_api_is_in_the_document(app: Flask, document: dict[str, Any]) -> None:
    served = {
        (path_of(api.endpoints[rule.endpoint]), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.") and rule.endpoint not in _OWN_PAGES
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method.upper()) for path, methods in document["paths"].items() for method in methods}

    assert described == served
    assert len(served) == len(api.endpoints)


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    assert references(document) == {f"#/components/schemas/{name}" for name in schemas}


def test_every_operation_says_who_may_ask_and_what_may_go_wrong(document: dict[str, Any]) -> None:
    schemes = set(document["components"]["securitySchemes"])
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["security"]
        assert {name for each in operation["security"] for name in each} <= schemes
        assert {"400", "401", "403", "422", "429", "503"} <= set(operation["responses"])
        assert operation["summary"][0].isupper()
        assert not operation["summary"].endswith(".")


def test_every_part_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            described = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert described == set(re.findall(r"{(\w+)}", path))


@pytest.mark.spec("SEC-4")
def test_the_page_for_people_shows_every_endpoint_and_needs_no_script_of_its_own(
    client: FlaskClient, document: dict[str, Any]
) -> None:
    response = client.get("/api/docs")
    html = response.get_data(as_text=True)

    assert response.status_code == 200
    for path in document["paths"]:
        assert f"<code>{path}</code>" in html
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"\sstyle=|\son\w+=|<style", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


def test_an_unknown_address_under_api_is_answered_in_the_envelope(client: FlaskClient) -> None:
    response = client.get("/api/nothing-here")

    assert response.status_code == 404
    assert response.get_json()["error"]["code"] == "not_found"


def test_the_wrong_method_is_answered_in_the_envelope(client: FlaskClient) -> None:
    response = client.put("/api/session-policies")

    assert response.status_code == 405
    assert response.get_json()["success"] is False
