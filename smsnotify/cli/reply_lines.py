"""Texts from people as tables and as JSON show them."""

from __future__ import annotations

from typing import Any

from smsnotify.store.replies import StoredReply


def reply_json(reply: StoredReply) -> dict[str, Any]:
    """The outside shape: `{"type": "reply", "id": …, "from": …, "body": …, …}`."""
    return {
        "type": "reply",
        "id": reply.id,
        "state": reply.state,
        "verdict": reply.verdict,
        "from": reply.sender,
        "to": reply.to,
        "account": reply.account,
        "body": reply.body,
        "media": list(reply.media),
        "keyword": reply.keyword,
        "provider_message_id": reply.provider_message_id,
        "enrolment": reply.enrolment_id,
        "note": reply.note,
        "at": reply.at.isoformat() if reply.at else None,
        "received_at": reply.received_at.isoformat(),
        "worked_at": reply.worked_at.isoformat() if reply.worked_at else None,
    }
