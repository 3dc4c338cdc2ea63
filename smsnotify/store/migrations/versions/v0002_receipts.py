"""Receipts, and whose word a message's state is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def upgrade() -> None:
    """Add the table of receipts and the columns that they are judged by."""
    op.add_column("messages", _text("told_by"))
    op.add_column("messages", sa.Column("told_at", sa.BigInteger(), nullable=True))
    op.add_column("messages", _text("doubt_ended_by"))
    op.add_column("messages", _text("past_ids"))
    op.create_index(
        "ix_messages_open",
        "messages",
        ["account", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('accepted', 'sent')"),
        postgresql_where=sa.text("state IN ('accepted', 'sent')"),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("provider_message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("our_id", sa.Text(), server_default="", nullable=False),
        sa.Column("message_id", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_word", sa.Text(), server_default="", nullable=False),
        sa.Column("raw_code", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("segments", sa.Integer(), server_default="0", nullable=False),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("digest", name="uq_receipts_digest"),
    )
    op.create_index(
        "ix_receipts_message_id",
        "receipts",
        ["message_id"],
        unique=False,
        sqlite_where=sa.text("message_id <> ''"),
        postgresql_where=sa.text("message_id <> ''"),
    )
    op.create_index(
        "ix_receipts_early",
        "receipts",
        ["provider_message_id"],
        unique=False,
        sqlite_where=sa.text("outcome = 'early'"),
        postgresql_where=sa.text("outcome = 'early'"),
    )
