"""The tables of the console: users, their sessions, tries to log in, and what people changed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from smsnotify.store.tables_base import metadata, text_column

# `password` is an argon2id hash with its own salt and parameters.
users = Table(
    "users",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("logged_in_at", BigInteger),
    Column("disabled_at", BigInteger),
    UniqueConstraint("name", name="uq_users_name"),
)

# Only a SHA-256 of each token, as hex: who reads the table cannot log in with it.
sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", String(26), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
)

# `who` is a keyed hash of a name, an address or both: people type passwords where names belong.
login_tries = Table(
    "login_tries",
    metadata,
    Column("who", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
)

# What people changed. No message body, no full number.
audit = Table(
    "audit",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("what", Text, nullable=False),
    text_column("about"),
    text_column("before"),
    text_column("after"),
)
