"""What staff keep for themselves in the console."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.models.types import json, refers, uuid_key


class SavedView(Model):
    """A named filter of a list, a person's own or shared by the team (SL-2)."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("ix_saved_views_list", "list", "owner_id"),)

    id: Mapped[UUID] = uuid_key()
    owner_id: Mapped[UUID] = refers("users.id")
    list: Mapped[str]
    name: Mapped[str]
    query: Mapped[dict[str, Any]] = json()
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    position: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    created_at: Mapped[datetime]


class ReasonSnippet(Model):
    """A reusable reason for staff acts."""

    __tablename__ = "reason_snippets"

    id: Mapped[UUID] = uuid_key()
    action: Mapped[str | None] = mapped_column(comment="None: offered everywhere")
    title: Mapped[str]
    body: Mapped[str]
    created_by: Mapped[UUID | None] = refers("users.id", nullable=True)
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
