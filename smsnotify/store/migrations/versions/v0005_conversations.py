"""Conversations: what is known of people, their replies, and the plans that they are in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    """Add tables and columns. Replies of before count as unread: an old STOP is still a STOP."""
    op.create_table(
        "choices",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reply_id", sa.String(length=26), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", "mode", name=op.f("pk_choices")),
    )
    op.create_table(
        "enrolments",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("contact_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        _text("account"),
        _text("ours"),
        _text("subject"),
        _text("job"),
        sa.Column("state", sa.Text(), nullable=False),
        _text("step"),
        _text("visits", "{}"),
        sa.Column("turn", sa.Integer(), server_default="0", nullable=False),
        sa.Column("steps_taken", sa.Integer(), server_default="0", nullable=False),
        _text("waiting"),
        sa.Column("waits_since", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("others", sa.Integer(), server_default="0", nullable=False),
        _text("answers", "{}"),
        _text("message_id"),
        sa.Column("goal_value", sa.Float(), server_default="0", nullable=False),
        _text("source"),
        sa.Column("entry_ref", sa.Text(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
        sa.UniqueConstraint("plan", "mode", "number", "entry_ref", name="uq_enrolments_once"),
    )
    op.create_index("ix_enrolments_contact_id", "enrolments", ["contact_id"], unique=False)
    op.create_index(
        "ix_enrolments_due",
        "enrolments",
        ["mode", "due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_enrolments_message_id",
        "enrolments",
        ["message_id"],
        unique=False,
        sqlite_where=sa.text("waiting = 'reply' AND message_id <> ''"),
        postgresql_where=sa.text("waiting = 'reply' AND message_id <> ''"),
    )
    op.create_index(
        "ix_enrolments_number",
        "enrolments",
        ["number"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_enrolments_subject",
        "enrolments",
        ["subject"],
        unique=False,
        sqlite_where=sa.text("waiting = 'event' AND subject <> ''"),
        postgresql_where=sa.text("waiting = 'event' AND subject <> ''"),
    )
    op.create_index(
        "uq_enrolments_alone",
        "enrolments",
        ["number", "plan", "mode"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting' AND alone"),
        postgresql_where=sa.text("state = 'waiting' AND alone"),
    )
    op.create_table(
        "errands",
        sa.Column("id", sa.String(length=26), nullable=False),
        _text("enrolment_id"),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        _text("data", "{}"),
        _text("state", "due"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        _text("error"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("key", name="uq_errands_key"),
    )
    op.create_index(
        "ix_errands_due",
        "errands",
        ["mode", "due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("contact_id", sa.String(length=26), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        _text("data", "{}"),
        _text("ref"),
        _text("outside_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
    )
    op.create_index(
        "ix_interactions_contact_id", "interactions", ["contact_id", "id"], unique=False
    )
    op.create_index(
        "uq_interactions_outside_id",
        "interactions",
        ["outside_id"],
        unique=True,
        sqlite_where=sa.text("outside_id <> ''"),
        postgresql_where=sa.text("outside_id <> ''"),
    )
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _text("recipient"),
        _text("subject"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_links")),
    )
    op.create_table(
        "plans",
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_plans")),
    )
    op.create_table(
        "transitions",
        sa.Column("enrolment_id", sa.String(length=26), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("from_step", sa.Text(), nullable=False),
        sa.Column("to_step", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        _text("ref"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("enrolment_id", "turn", name=op.f("pk_transitions")),
    )
    op.add_column("consents", _text("words"))
    op.add_column("consents", _text("call_to_action"))
    op.add_column("contacts", _text("tags", "[]"))
    op.add_column("contacts", _text("facets", "{}"))
    op.add_column("messages", _text("purpose", "service"))
    op.create_index(
        "ix_events_feedback",
        "events",
        ["id"],
        unique=False,
        sqlite_where=sa.text("name = 'feedback'"),
        postgresql_where=sa.text("name = 'feedback'"),
    )
    op.create_index(
        "ix_messages_plan_ended",
        "messages",
        ["updated_at"],
        unique=False,
        sqlite_where=sa.text(
            "kind = 'plan' AND state IN ('failed', 'undelivered', 'expired', 'cancelled')"
        ),
        postgresql_where=sa.text(
            "kind = 'plan' AND state IN ('failed', 'undelivered', 'expired', 'cancelled')"
        ),
    )
    op.drop_index("ix_replies_sender", table_name="replies")
    op.create_index("ix_replies_sender", "replies", ["sender", "id"], unique=False)
    op.add_column("replies", _text("state", "new"))
    op.add_column("replies", _text("verdict"))
    op.add_column("replies", _text("contact_id"))
    op.add_column("replies", _text("enrolment_id"))
    op.add_column("replies", _text("note"))
    op.add_column("replies", sa.Column("worked_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_replies_new",
        "replies",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index(
        "ix_replies_open",
        "replies",
        ["sender"],
        unique=False,
        sqlite_where=sa.text("state IN ('inbox', 'doubtful')"),
        postgresql_where=sa.text("state IN ('inbox', 'doubtful')"),
    )
