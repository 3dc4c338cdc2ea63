"""The tables of the desk itself: notes, watermarks, keys, rates."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text, UniqueConstraint, text

from smsnotify.store.tables_base import EXACT, metadata, text_column

# One row per thing that is known once: the key hash's secret, who paused what, the last tick.
meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# Keys that programs come with: only a SHA-256 of each, as hex. A revoked key's name is free again.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    UniqueConstraint("hash", name="uq_api_keys_hash"),
    Index(
        "uq_api_keys_live_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

# Until when the turns of an account are booked, by all workers together (PostgreSQL only).
rates = Table(
    "rates",
    metadata,
    Column("account", Text, primary_key=True),
    Column("booked_until", BigInteger, nullable=False),
)

# Who silenced which rules, until when, and why. `''` is every group, every rule.
silences = Table(
    "silences",
    metadata,
    Column("id", String(26), primary_key=True),
    text_column("group_name"),
    text_column("rule"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("starts_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expired_at", BigInteger),
)

# How many texts, or millionths of money, were counted against a cap since an hour or day began
# (0: in a run). `recipient_hash` is hexadecimal, '' for everybody together.
counters = Table(
    "counters",
    metadata,
    Column("mode", Text, primary_key=True),
    Column("since", BigInteger, primary_key=True, autoincrement=False),
    Column("name", EXACT, primary_key=True),
    Column("recipient_hash", String(32), primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
