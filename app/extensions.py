"""The extension objects, bare: ``app.factory`` connects them to an application."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import BigInteger, DateTime, MetaData, Text, TypeDecorator, Uuid
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, registry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: stored as ``timestamptz``, aware in Python, and refused when naive (ID-7)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            message = f"{value!r} has no offset; every time is stored as an instant (ID-7)"
            raise ValueError(message)
        return value


class Base(DeclarativeBase):
    """The base of every table. Annotated ``datetime`` is an instant, ``UUID`` a uuid, ``int`` a bigint."""

    # The map goes in through the registry: Flask-SQLAlchemy refuses a base that has both attributes.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime, UUID: Uuid, str: Text, int: BigInteger},
    )


# Objects stay readable after a commit; whoever changes one loads it anew under a lock (booking.access).
# ``create_savepoint`` lets a test wrap a whole request in a transaction of its own; without an outer one it changes nothing.
_SESSION_OPTIONS: dict[str, Any] = {"expire_on_commit": False, "join_transaction_mode": "create_savepoint"}

db = SQLAlchemy(model_class=Base, session_options=_SESSION_OPTIONS, disable_autonaming=True)
migrate = Migrate()
login = LoginManager()
mail = Mail()
csrf = CSRFProtect()

# The same class under two names: a type checker cannot see through Flask-SQLAlchemy's dynamic attribute.
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
