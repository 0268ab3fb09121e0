"""Notifications, e-mail, chat and the live feed."""
