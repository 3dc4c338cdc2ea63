"""The tables of plans: versions, enrolments, their history, errands, open choices."""

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

from smsnotify.store.tables_base import metadata, text_column

# Every version of a plan that somebody was ever in: its content as canonical JSON.
plans = Table(
    "plans",
    metadata,
    Column("version", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

# People in plans (`model.enrolment.Enrolment`). `entry_ref` is what brought the person in: the
# same cause enrols once. `alone`: one enrolment of this plan at a time. Who is through has no
# `due_at` and an empty `waiting`. The conditions of the indexes differ, so that each look fits one
# of them alone: PostgreSQL takes any that fits while its figures are old.
enrolments = Table(
    "enrolments",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("plan", Text, nullable=False),
    Column("version", String(32), nullable=False),
    Column("contact_id", String(26), nullable=False),
    Column("number", Text, nullable=False),
    Column("mode", Text, nullable=False),
    text_column("account"),
    text_column("ours"),
    text_column("subject"),
    text_column("job"),
    Column("state", Text, nullable=False),
    text_column("step"),
    text_column("visits", "{}"),
    Column("turn", Integer, nullable=False, server_default="0"),
    Column("steps_taken", Integer, nullable=False, server_default="0"),
    text_column("waiting"),
    Column("waits_since", BigInteger),
    Column("due_at", BigInteger),
    Column("others", Integer, nullable=False, server_default="0"),
    text_column("answers", "{}"),
    text_column("message_id"),
    Column("goal_value", Float, nullable=False, server_default="0"),
    text_column("source"),
    Column("entry_ref", Text, nullable=False),
    Column("alone", Boolean, nullable=False),
    Column("entered_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    UniqueConstraint("plan", "mode", "number", "entry_ref", name="uq_enrolments_once"),
    Index(
        "uq_enrolments_alone",
        "number",
        "plan",
        "mode",
        unique=True,
        sqlite_where=text("state = 'waiting' AND alone"),
        postgresql_where=text("state = 'waiting' AND alone"),
    ),
    Index(
        "ix_enrolments_number",
        "number",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    # A look for what is due must cost the same with a million people waiting.
    Index(
        "ix_enrolments_due",
        "mode",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_enrolments_message_id",
        "message_id",
        sqlite_where=text("waiting = 'reply' AND message_id <> ''"),
        postgresql_where=text("waiting = 'reply' AND message_id <> ''"),
    ),
    Index(
        "ix_enrolments_subject",
        "subject",
        sqlite_where=text("waiting = 'event' AND subject <> ''"),
        postgresql_where=text("waiting = 'event' AND subject <> ''"),
    ),
    Index("ix_enrolments_contact_id", "contact_id"),
)

transitions = Table(
    "transitions",
    metadata,
    Column("enrolment_id", String(26), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("from_step", Text, nullable=False),
    Column("to_step", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("cause", Text, nullable=False),
    text_column("ref"),
    Column("at", BigInteger, nullable=False),
)

# What a plan wants done in the world: events, webhooks, rows for the firm's own system, alerts.
# `state` is `due`, `done` or `failed`; the UNIQUE key makes each of them once.
errands = Table(
    "errands",
    metadata,
    Column("id", String(26), primary_key=True),
    text_column("enrolment_id"),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    text_column("data", "{}"),
    text_column("state", "due"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("done_at", BigInteger),
    text_column("error"),
    UniqueConstraint("key", name="uq_errands_key"),
    Index(
        "ix_errands_due",
        "mode",
        "due_at",
        sqlite_where=text("state = 'due'"),
        postgresql_where=text("state = 'due'"),
    ),
)

# A person's answer fitted several open questions, and they were asked which one. `options` is a
# JSON list of enrolment ids in the order of the numbers.
choices = Table(
    "choices",
    metadata,
    Column("number", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("reply_id", String(26), nullable=False),
    Column("options", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
)
