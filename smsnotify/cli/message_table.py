"""The messages of the outbox, one a line."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from smsnotify.cli import show
from smsnotify.cli.instants import ago
from smsnotify.model.message import Message

SHORT_ID: Final = 13
"""Characters in which the ids of one process differ: see `base.ids`."""

STYLES: Final = {
    **dict.fromkeys(("failed", "undelivered", "expired"), "red"),
    **dict.fromkeys(("held", "unknown", "cancelled"), "yellow"),
    **dict.fromkeys(("accepted", "sent", "delivered", "read"), "green"),
}


def show_messages(found: list[Message], now: datetime, *, wide: bool) -> None:
    """Print one line a message that fits a terminal; `wide` has all there is to say."""
    ids = [message.id for message in found]
    columns: dict[str, list[object]] = {
        "state": [message.state.value for message in found],
        "rule": [message.rule or message.event for message in found],
        "job": [message.job for message in found],
        "to": [message.recipient for message in found],
        "segments": [message.segments for message in found],
        "age": [ago(message.updated_at, now).removesuffix(" ago") for message in found],
        "id": list(ids if wide else _beginnings(ids)),
    }
    reasons = [message.error or message.reason for message in found]
    if any(reasons):
        columns["why"] = list(reasons)
    if wide:
        columns["account"] = [message.account for message in found]
        columns["the provider said"] = [message.error_text for message in found]
    rows = zip(*columns.values(), strict=True)
    whole = () if wide else tuple(columns.keys() - {"rule"})
    show.table(tuple(columns), rows, styles=STYLES, whole=whole)


def _beginnings(ids: list[str]) -> list[str]:
    """Return how ids begin, as far as it tells them apart: `outbox show` takes that."""
    length = SHORT_ID
    while length < len(max(ids, key=len)) and len({one[:length] for one in ids}) < len(set(ids)):
        length += 1
    return [one[:length] for one in ids]
