"""Settings: frozen, typed, from the environment only; every problem is reported at once (spec: Configuration)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

UNSAFE_KEYS = frozenset({"", "dev", "change-me", "changeme", "secret", "test"})
SHORTEST_SECRET = 32


class ConfigurationError(Exception):
    """The environment cannot be used; the message lists every problem, one a line."""


class Settings(BaseSettings):
    """What the environment says. Field names in capitals are the environment's names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    app_env: Literal["production", "demo", "test"] = Field(
        "production", description="demo and test allow the embedded, unsafe conveniences; anything else refuses them"
    )
    debug: bool = False
    secret_key: SecretStr = SecretStr("")
    public_url: str = "http://127.0.0.1:8000"
    port: int = Field(8000, ge=1, le=65535)
    data_dir: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    brand_name: str = "Mentor Desk"
    support_email: str = "support@mentordesk.example"
    trusted_proxies: int = Field(0, ge=0, le=10, description="how many proxies in front may set X-Forwarded-*")
    require_staff_2fa: bool = False
    web_threads: int = Field(256, ge=1, le=4096, description="of one web process; each open page holds one")
    sentry_dsn: SecretStr | None = None
    metrics_token: SecretStr | None = Field(None, description="who sends it may read /metrics; without: this machine")

    mail_server: str = Field("", description="empty: messages go to the local mailbox in the console (EM-4)")
    mail_port: int = 25
    mail_username: str | None = None
    mail_password: SecretStr | None = None
    mail_use_tls: bool = False
    mail_sender: str = "Mentor Desk <no-reply@mentordesk.example>"

    payment_gateway: Literal["sandbox", "paystack", "stripe"] = "sandbox"
    paystack_secret_key: SecretStr | None = None
    stripe_secret_key: SecretStr | None = None
    stripe_webhook_secret: SecretStr | None = None

    meeting_providers: str = Field("jitsi", description="ordered, comma-separated: jitsi, zoom, daily (MT-2)")
    meeting_embed: bool = False
    jitsi_base_url: str = "https://meet.jit.si"
    jitsi_app_id: str | None = None
    jitsi_app_secret: SecretStr | None = None
    jitsi_webhook_secret: SecretStr | None = Field(
        None, description="the Authorization header of the Jitsi server's event_sync; without: its news are refused"
    )
    zoom_account_id: str | None = None
    zoom_client_id: str | None = None
    zoom_client_secret: SecretStr | None = None
    zoom_host: str = Field("me", description="the host's user id or e-mail; Zoom advises against `me`")
    zoom_webhook_secret: SecretStr | None = None
    daily_api_key: SecretStr | None = None
    daily_webhook_secret: SecretStr | None = None

    slack_webhook_url: SecretStr | None = None
    discord_webhook_url: SecretStr | None = None

    @field_validator("database_url")
    @classmethod
    def _with_driver(cls, value: str) -> str:
        """``postgres://`` and ``postgresql://`` mean psycopg 3 here, whatever SQLAlchemy's default is."""
        for scheme in ("postgres://", "postgresql://"):
            if value.startswith(scheme):
                return "postgresql+psycopg://" + value.removeprefix(scheme)
        return value

    @field_validator("public_url", "jitsi_base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def providers(self) -> tuple[str, ...]:
        """Meeting providers in the order in which they are tried."""
        return tuple(name.strip() for name in self.meeting_providers.split(",") if name.strip())

    @model_validator(mode="after")
    def _usable(self) -> Self:
        problems = [*self._missing(), *(self._unsafe() if self.app_env == "production" else [])]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _missing(self) -> list[str]:
        problems = []
        if not self.database_url.startswith("postgresql+psycopg://"):
            problems.append("DATABASE_URL must be a PostgreSQL address (postgresql://…)")
        if not self.redis_url.startswith(("redis://", "rediss://", "unix://")):
            problems.append("REDIS_URL must be a Redis address (redis://…, rediss://… or unix://…)")
        if self.payment_gateway == "paystack" and not self.paystack_secret_key:
            problems.append("PAYMENT_GATEWAY=paystack needs PAYSTACK_SECRET_KEY")
        if self.payment_gateway == "stripe" and not (self.stripe_secret_key and self.stripe_webhook_secret):
            problems.append("PAYMENT_GATEWAY=stripe needs STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET")
        if self.require_staff_2fa:
            problems.append("REQUIRE_STAFF_2FA=true cannot be kept: this version has no second factor (ID-5)")
        if self.sentry_dsn and self.sentry_dsn.get_secret_value():
            problems.append("SENTRY_DSN cannot be kept: this version sends its errors nowhere but into its logs")
        unknown = set(self.providers) - {"jitsi", "zoom", "daily"}
        if unknown or not self.providers:
            problems.append("MEETING_PROVIDERS takes jitsi, zoom and daily, in the order in which they are tried")
        if "zoom" in self.providers and not (self.zoom_account_id and self.zoom_client_id and self.zoom_client_secret):
            problems.append("MEETING_PROVIDERS with zoom needs ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET")
        if "daily" in self.providers and not self.daily_api_key:
            problems.append("MEETING_PROVIDERS with daily needs DAILY_API_KEY")
        return problems

    def _unsafe(self) -> list[str]:
        """RUN-4: what production must not run with."""
        problems = []
        secret = self.secret_key.get_secret_value()
        if secret.lower() in UNSAFE_KEYS or len(secret) < SHORTEST_SECRET:
            problems.append(f"SECRET_KEY must be a random value of at least {SHORTEST_SECRET} characters")
        if self.debug:
            problems.append("DEBUG must be off")
        if self.payment_gateway == "sandbox":
            problems.append("PAYMENT_GATEWAY=sandbox takes no real money")
        if not self.is_https:
            problems.append("PUBLIC_URL must start with https://, or cookies would travel unprotected")
        if not self.mail_server:
            problems.append("MAIL_SERVER must be set, or nobody would get any mail")
        return problems


def load_settings() -> Settings:
    """Read the environment.

    :raises ConfigurationError: naming everything that is wrong, never a secret's value
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            place = ".".join(str(part) for part in problem["loc"]).upper()
            text = problem["msg"].removeprefix("Value error, ")
            lines += [f"{place}: {line}" if place else line for line in text.splitlines()]
        hint = "Set APP_ENV=demo to try the product with the embedded defaults."
        raise ConfigurationError(
            "The configuration cannot be used:\n  - " + "\n  - ".join(lines) + f"\n{hint}"
        ) from None
