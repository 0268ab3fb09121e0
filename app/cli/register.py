"""Connects this door to an application."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register everything that stands in this package."""
