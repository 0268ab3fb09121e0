"""docker-compose.yml starts what the product has, and production's parts are all there (RUN-2)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

COMPOSE = (Path(__file__).resolve().parents[2] / "docker-compose.yml").read_text()
# What stands under `services:` two spaces in.
SERVICES = dict(re.findall(r"^  (\w+):\n((?:    .*\n|\n)+)", COMPOSE.split("\nservices:\n")[1], re.MULTILINE))


@pytest.mark.spec("RUN-2")
def test_every_process_that_it_starts_is_a_command_of_the_product(app: Flask) -> None:
    commands = [re.findall(r'"([^"]+)"', line) for line in re.findall(r"command: (\[.*\"flask\".*\])", COMPOSE)]
    named = {command[3] for command in commands}
    assert named == {"db", "worker", "relay", "clock"}
    assert named <= app.cli.commands.keys() | {"db"}


@pytest.mark.spec("RUN-2")
def test_it_has_every_part_with_its_health_and_its_volume() -> None:
    assert {"web", "worker", "relay", "clock", "postgres", "redis", "mail"} <= SERVICES.keys()
    for service in ("web", "postgres", "redis"):
        assert "healthcheck:" in SERVICES[service], service
    for service in ("postgres", "redis", "mail"):
        assert "volumes:" in SERVICES[service], service
    assert re.search(r"postgres:1[5-9]", SERVICES["postgres"])
    assert re.search(r"redis:[7-9]", SERVICES["redis"])
