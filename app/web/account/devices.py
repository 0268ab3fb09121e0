"""What a browser calls itself, in words that its owner recognizes."""

from __future__ import annotations

# Order matters: most browsers also name the one that they descend from.
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_PHONES = frozenset({"iPhone", "Android"})


def device_name(agent: str | None) -> str:
    """``Firefox on Windows``; what is unknown is left out."""
    agent = agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = _system(agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown device"


def device_icon(agent: str | None) -> str:
    """The icon of a phone or of a computer."""
    return "phone" if _system(agent or "") in _PHONES else "laptop"


def _system(agent: str) -> str:
    return next((name for mark, name in _SYSTEMS if mark in agent), "")
