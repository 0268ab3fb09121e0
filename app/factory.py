"""The composition root: settings → extensions → adapters → doors. The one module that knows everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask
from pydantic import SecretStr
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import ConfigurationError, Settings, load_settings
from app.extensions import csrf, db, doorbell, login, mail, migrate
from app.foundation.pool import EVENTS, read_json
from app.http.addresses import AddressedFlask
from app.integrations.adapters import Adapters
from app.integrations.chat_hooks import ChatHook, DiscordHook, SlackHook
from app.integrations.mailer import LocalMailbox, Mailer, SmtpMailer
from app.integrations.meetings.base import MeetingProvider
from app.integrations.meetings.daily import DailyProvider
from app.integrations.meetings.jitsi import JitsiProvider
from app.integrations.meetings.zoom import ZoomProvider
from app.integrations.payments.base import PaymentGateway
from app.integrations.payments.sandbox import SandboxGateway
from app.integrations.sms import ConsoleSms
from app.people.passwords import hash_cheaply

_ROOT = Path(__file__).resolve().parent.parent
_LARGEST_REQUEST = 60 * 1024 * 1024
_LARGEST_FORM_FIELDS = 512 * 1024


def build(settings: Settings | None = None) -> Flask:
    """Make an application.

    :raises ConfigurationError: when the environment cannot be used (RUN-4)
    """
    settings = settings or load_settings()
    app = AddressedFlask(
        "app",
        root_path=str(_ROOT / "app"),
        template_folder=str(_ROOT / "templates"),
        static_folder=str(_ROOT / "static"),
    )
    _configure(app, settings)
    _extend(app, settings)
    _open_doors(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        DEBUG=settings.debug,
        TESTING=settings.app_env == "test",
        MAX_CONTENT_LENGTH=_LARGEST_REQUEST,
        MAX_FORM_MEMORY_SIZE=_LARGEST_FORM_FIELDS,
        PUBLIC_URL=settings.public_url,
        BRAND_NAME=settings.brand_name,
        SUPPORT_EMAIL=settings.support_email,
        MEETING_EMBED=settings.meeting_embed,
        SESSION_COOKIE_NAME="__Host-desk" if settings.is_https else "desk",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.is_https,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS={
            "pool_events": EVENTS,
            "json_deserializer": read_json,
            "pool_size": 20,
            "max_overflow": 60,
            # A lock that does not come in three seconds is a clear 409, never a hanging page.
            "connect_args": {
                "options": "-c timezone=utc -c lock_timeout=3000 -c idle_in_transaction_session_timeout=60000",
                "application_name": "mentor-desk",
            },
        },
        WTF_CSRF_TIME_LIMIT=None,
        MAIL_SERVER=settings.mail_server or "localhost",
        MAIL_PORT=settings.mail_port,
        MAIL_USERNAME=settings.mail_username,
        MAIL_PASSWORD=settings.mail_password.get_secret_value() if settings.mail_password else None,
        MAIL_USE_TLS=settings.mail_use_tls,
        MAIL_DEFAULT_SENDER=settings.mail_sender,
        MAIL_SUPPRESS_SEND=False,
    )
    app.extensions["desk-settings"] = settings
    if settings.app_env == "test":
        hash_cheaply()
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # Flask's documented way to add a middleware
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _extend(app: Flask, settings: Settings) -> None:
    from app import models  # noqa: F401  - registers every table before migrations look

    # First: a product that cannot start has connected nothing.
    gateway = _gateway(settings)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(_ROOT / "migrations"))
    login.init_app(app)
    mail.init_app(app)
    csrf.init_app(app)
    doorbell.connect(settings.redis_url, is_silent=settings.app_env == "test")
    app.extensions["desk-adapters"] = Adapters(
        gateway=gateway,
        meetings=_meetings(settings),
        mailer=_mailer(settings),
        chat_hooks=_chat_hooks(settings),
        # Nobody in production is to wait for a message that ends on a console.
        sms=ConsoleSms() if settings.app_env != "production" else None,
    )


def _gateway(settings: Settings) -> PaymentGateway:
    """The gateway that was chosen, never another one in its place: in the sandbox anybody pays by pressing a button.

    :raises ConfigurationError: this version does not speak to it
    """
    if settings.payment_gateway != "sandbox":
        raise ConfigurationError(
            f"PAYMENT_GATEWAY={settings.payment_gateway}: this version speaks to the built-in sandbox alone. "
            "Set APP_ENV=demo and PAYMENT_GATEWAY=sandbox to try the product."
        )
    return SandboxGateway(settings.data_dir / "sandbox", settings.public_url)


def _chat_hooks(settings: Settings) -> tuple[ChatHook, ...]:
    kinds = ((SlackHook, settings.slack_webhook_url), (DiscordHook, settings.discord_webhook_url))
    return tuple(kind(url.get_secret_value()) for kind, url in kinds if url and url.get_secret_value())


def _meetings(settings: Settings) -> tuple[MeetingProvider, ...]:
    made: dict[str, Callable[[], MeetingProvider]] = {
        "jitsi": lambda: JitsiProvider(
            settings.jitsi_base_url,
            app_id=settings.jitsi_app_id or "",
            app_secret=_told(settings.jitsi_app_secret),
            webhook_secret=_told(settings.jitsi_webhook_secret),
        ),
        "zoom": lambda: ZoomProvider(
            account_id=settings.zoom_account_id or "",
            client_id=settings.zoom_client_id or "",
            client_secret=_told(settings.zoom_client_secret),
            host=settings.zoom_host,
            webhook_secret=_told(settings.zoom_webhook_secret),
        ),
        "daily": lambda: DailyProvider(
            api_key=_told(settings.daily_api_key), webhook_secret=_told(settings.daily_webhook_secret)
        ),
    }
    return tuple(made[name]() for name in dict.fromkeys(settings.providers))


def _told(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _mailer(settings: Settings) -> Mailer:
    return SmtpMailer(mail) if settings.mail_server else LocalMailbox(settings.data_dir / "mailbox")


def _open_doors(app: Flask) -> None:
    from app.admin import register as admin
    from app.api import register as api
    from app.cli import register as cli
    from app.http import register as http
    from app.tasks import register as tasks
    from app.web import register as web

    for door in (http, web, api, admin, tasks, cli):
        door.init_app(app)
