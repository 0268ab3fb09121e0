"""The environment: everything wrong with it is said at once, and production starts on nothing unsafe (RUN-4)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app import factory
from app.config import ConfigurationError, Settings, load_settings
from app.extensions import Doorbell
from app.factory import build

SECRET = "q8Vn2xT0rLw5sYh3kZp7dBm1cGf9aJe4"
SAFE = {
    "APP_ENV": "production",
    "SECRET_KEY": SECRET,
    "PUBLIC_URL": "https://mentors.example.com/",
    "DATABASE_URL": "postgres://desk@db.example.com/desk",
    "REDIS_URL": "redis://queue.example.com/0",
    "PAYMENT_GATEWAY": "paystack",
    "PAYSTACK_SECRET_KEY": "sk_live_of_nobody",
    "MAIL_SERVER": "mail.example.com",
}


def read(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Settings:
    """What the product makes of this environment and no other."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.spec("RUN-4")
def test_a_safe_environment_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, SAFE)
    assert (settings.is_https, settings.public_url) == (True, "https://mentors.example.com")
    assert settings.database_url == "postgresql+psycopg://desk@db.example.com/desk"


@pytest.mark.spec("RUN-4")
@pytest.mark.parametrize(
    "change, said",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "change-me"}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"PAYMENT_GATEWAY": "sandbox"}, "PAYMENT_GATEWAY"),
        ({"PUBLIC_URL": "http://mentors.example.com"}, "PUBLIC_URL"),
        ({"MAIL_SERVER": ""}, "MAIL_SERVER"),
    ],
    ids=["no key", "a known key", "a short key", "debug", "sandbox", "no https", "no mail"],
)
def test_production_refuses_what_is_unsafe_and_says_which(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(monkeypatch, {**SAFE, **change})
    lines = [line for line in str(refused.value).splitlines() if said in line]
    assert lines, str(refused.value)
    assert "sk_live_of_nobody" not in str(refused.value)


@pytest.mark.spec("RUN-4")
def test_an_empty_environment_is_production_and_everything_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(monkeypatch, {})
    for name in ("SECRET_KEY", "PAYMENT_GATEWAY", "PUBLIC_URL", "MAIL_SERVER", "DATABASE_URL", "REDIS_URL"):
        assert name in str(refused.value)


@pytest.mark.spec("RUN-4")
@pytest.mark.parametrize(
    "change, said",
    [
        ({"PAYMENT_GATEWAY": "paystack"}, "PAYSTACK_SECRET_KEY"),
        ({"PAYMENT_GATEWAY": "stripe"}, "STRIPE_WEBHOOK_SECRET"),
        ({"MEETING_PROVIDERS": "zoom,jitsi"}, "ZOOM_ACCOUNT_ID"),
        ({"MEETING_PROVIDERS": "skype"}, "MEETING_PROVIDERS"),
        ({"DATABASE_URL": "sqlite:///desk.db"}, "DATABASE_URL"),
        ({"PORT": "many"}, "PORT"),
        ({"SENTRY_DSN": "https://key@sentry.example/1"}, "SENTRY_DSN"),
    ],
    ids=["paystack", "stripe", "zoom", "unknown provider", "sqlite", "no number", "what is not built"],
)
def test_a_choice_without_what_it_needs_is_refused_everywhere(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, str], said: str
) -> None:
    demo = {"APP_ENV": "demo", "DATABASE_URL": SAFE["DATABASE_URL"], "REDIS_URL": SAFE["REDIS_URL"]}
    assert read(monkeypatch, demo).payment_gateway == "sandbox"
    with pytest.raises(ConfigurationError) as refused:
        read(monkeypatch, {**demo, **change})
    assert said in str(refused.value)


@pytest.mark.spec("RUN-4", "MN-2")
def test_a_gateway_that_cannot_be_spoken_to_is_never_replaced_by_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    # What comes before the refusal must not leave the tests behind it without their queue server.
    monkeypatch.setattr(factory, "doorbell", Doorbell())
    with pytest.raises(ConfigurationError, match="PAYMENT_GATEWAY=paystack") as refused:
        build(read(monkeypatch, SAFE))
    assert "sk_live_of_nobody" not in str(refused.value)


@pytest.mark.spec("RUN-4", "SEC-6")
def test_no_setting_shows_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, SAFE)
    assert SECRET not in repr(settings)
    assert "sk_live_of_nobody" not in repr(settings)
