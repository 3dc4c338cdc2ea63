"""The tables, once for both databases. Migrations are proved equal to these files by a test."""

from __future__ import annotations

from smsnotify.store.tables_base import metadata
from smsnotify.store.tables_desk import api_keys, counters, meta, rates, silences, watermarks
from smsnotify.store.tables_outbox import (
    aliases,
    attempts,
    decisions,
    events,
    jobs,
    messages,
    receipts,
)
from smsnotify.store.tables_people import (
    addresses,
    consents,
    contacts,
    interactions,
    links,
    replies,
)
from smsnotify.store.tables_plans import choices, enrolments, errands, plans, transitions
from smsnotify.store.tables_users import audit, login_tries, sessions, users

__all__ = [
    "addresses",
    "aliases",
    "api_keys",
    "attempts",
    "audit",
    "choices",
    "consents",
    "contacts",
    "counters",
    "decisions",
    "enrolments",
    "errands",
    "events",
    "interactions",
    "jobs",
    "links",
    "login_tries",
    "messages",
    "meta",
    "metadata",
    "plans",
    "rates",
    "receipts",
    "replies",
    "sessions",
    "silences",
    "transitions",
    "users",
    "watermarks",
]
