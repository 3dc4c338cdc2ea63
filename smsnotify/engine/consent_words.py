"""What a person wants, in words: every change with its source, words and evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smsnotify.model.contact import ConsentChange


def consent_line(change: ConsentChange, zone: Any) -> str:
    """Return one change of consent with its words and evidence."""
    what = "opted out" if change.opted_out else "opted in"
    if change.scope != "all":
        space, _, which = change.scope.partition(":")
        of = f"texts from {which}" if space == "sender" else which
        what += f" {'of' if change.opted_out else 'to'} {of}"
    told = f"{when(change.at, zone)}  {what} ({change.source})"
    if change.words:
        told += f": “{change.words}”"
    if change.call_to_action:
        told += f", answering {change.call_to_action}"
    if change.note:
        told += f"; {change.note}"
    return told


def when(at: datetime, zone: Any) -> str:
    """Return an instant as the settings' zone has it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
