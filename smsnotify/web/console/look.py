"""How the console looks: its templates, how they write instants and states, and its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from smsnotify.base.durations import format_duration

STATIC: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "htmx.min.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

_TONES: Final = {
    "delivered": "good",
    "read": "good",
    "send": "good",
    "sent": "open",
    "accepted": "open",
    "sending": "open",
    "queued": "open",
    "held": "odd",
    "hold": "odd",
    "unknown": "odd",
    "doubtful": "odd",
    "inbox": "odd",
    "failed": "bad",
    "undelivered": "bad",
    "expired": "bad",
    "stop": "bad",
}


class Place(msgspec.Struct, frozen=True):
    """An entry of the menu."""

    key: str
    path: str
    name: str


MENU: Final = (
    Place("today", "/console", "Today"),
    Place("messages", "/console/messages", "Messages"),
    Place("replies", "/console/replies", "Replies"),
    Place("contacts", "/console/contacts", "Contacts"),
    Place("jobs", "/console/jobs", "Jobs"),
    Place("plans", "/console/plans", "Plans"),
    Place("rules", "/console/rules", "Rules"),
    Place("silences", "/console/silences", "Silences"),
    Place("accounts", "/console/accounts", "Accounts"),
    Place("changes", "/console/changes", "Changes"),
)


def render(name: str, values: Mapping[str, Any]) -> str:
    """Return a page; everything that is put into it is escaped. `zone` and `now` are needed."""
    return _environment().get_template(name).render(values)


@cache
def static_file(name: str) -> bytes:
    """Return one of our own files."""
    return (files(__package__) / "static" / name).read_bytes()


@cache
def static_tag(name: str) -> str:
    """Return what changes with a file's content."""
    return hashlib.blake2b(static_file(name), digest_size=8).hexdigest()


def static_path(name: str) -> str:
    """Return the address of a file; it changes with the content, so browsers may keep it."""
    return f"/console/static/{name}?v={static_tag(name)}"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.globals |= {"static": static_path, "menu": MENU}
    made.tests["containing"] = lambda group, one: one in group
    made.filters |= {
        "when": _when,
        "clock": _clock,
        "span": format_duration,
        "tone": lambda word: _TONES.get(str(word), "quiet"),
        "words": lambda word: str(word).replace("_", " "),
        "share": lambda share: "" if share is None else f"{share:.1%}",
        "count": lambda number: f"{number:,}",
    }
    return made


@pass_context
def _when(context: Context, at: datetime | None) -> str:
    """Write an instant as people say it, without the day when it is today."""
    if at is None:
        return ""
    zone: tzinfo = context["zone"]
    local, today = at.astimezone(zone), context["now"].astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = f" {local:%Y}" if local.year != today.year else ""
    return f"{local:%a} {local.day} {local:%b}{year}, {local:%H:%M}"


@pass_context
def _clock(context: Context, at: datetime) -> str:
    """Write an instant to the second, for stories."""
    return f"{at.astimezone(context['zone']):%Y-%m-%d %H:%M:%S}"
