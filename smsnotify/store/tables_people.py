"""The tables of people: contacts, consents, replies, interactions, links."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from smsnotify.store.tables_base import EXACT, metadata, text_column

contacts = Table(
    "contacts",
    metadata,
    Column("id", String(26), primary_key=True),
    text_column("name"),
    text_column("language"),
    text_column("time_zone"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # A JSON list of words, and a JSON object of the firm's own keys.
    text_column("tags", "[]"),
    text_column("facets", "{}"),
)

# Phone numbers (E.164) and email addresses, one contact each.
addresses = Table(
    "addresses",
    metadata,
    Column("address", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("contact_id", String(26), nullable=False, index=True),
)

# Every change of consent with its evidence; the newest row of a number and scope holds. `scope` is
# `all`, `sender:ID` or `purpose:marketing`; `words` are the person's own, `call_to_action` what
# they answered to.
consents = Table(
    "consents",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("recipient_hash", LargeBinary, nullable=False),
    text_column("scope", "all"),
    Column("opted_out", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    text_column("note"),
    Column("at", BigInteger, nullable=False),
    text_column("words"),
    text_column("call_to_action"),
    Index("ix_consents_recipient_hash", "recipient_hash", "scope", "id"),
)

# Texts from people, as they came. `media` is a JSON list of addresses; `keyword` is the provider's
# own STOP, START or HELP; `to_number` is ours.
replies = Table(
    "replies",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", Text, nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("to_number", Text, nullable=False),
    text_column("body"),
    text_column("media", "[]"),
    text_column("keyword"),
    Column("at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    # `new` until it is worked, then `worked`; `inbox` and `doubtful` (maybe an opt-out: this
    # person's texts wait) until a clerk has decided. `verdict` says what it was taken for.
    text_column("state", "new"),
    text_column("verdict"),
    text_column("contact_id"),
    text_column("enrolment_id"),
    text_column("note"),
    Column("worked_at", BigInteger),
    UniqueConstraint("account", "provider_message_id", name="uq_replies_once"),
    Index("ix_replies_sender", "sender", "id"),
    Index(
        "ix_replies_new",
        "id",
        sqlite_where=text("state = 'new'"),
        postgresql_where=text("state = 'new'"),
    ),
    Index(
        "ix_replies_open",
        "sender",
        sqlite_where=text("state IN ('inbox', 'doubtful')"),
        postgresql_where=text("state IN ('inbox', 'doubtful')"),
    ),
)

# Everything that happened between a person and the firm, on any channel. `outside_id` is the
# teller's own id: what is told twice is kept once.
interactions = Table(
    "interactions",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("contact_id", String(26), nullable=False),
    Column("channel", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("value", Float),
    text_column("data", "{}"),
    text_column("ref"),
    text_column("outside_id"),
    Index("ix_interactions_contact_id", "contact_id", "id"),
    Index(
        "uq_interactions_outside_id",
        "outside_id",
        unique=True,
        sqlite_where=text("outside_id <> ''"),
        postgresql_where=text("outside_id <> ''"),
    ),
)

# Addresses of pages that belong to one person: a SHA-256 of each token.
links = Table(
    "links",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    text_column("recipient"),
    text_column("subject"),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
)

# What people rated on their tracking pages: one row a page, stars from 1 to 5 or none.
feedback = Table(
    "feedback",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("subject", EXACT, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False, index=True),
    Column("goods", Integer),
    Column("driver", Integer),
    text_column("comment"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
