"""Messages are found by number: an index that is filled afterwards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the table, empty: ticks fill it."""
    op.create_table(
        "message_numbers",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("run", "number", "message_id", name=op.f("pk_message_numbers")),
        sqlite_with_rowid=False,
    )
    conversations = sa.text("kind IN ('plan', 'consent', 'alert', 'clerk')")
    op.create_index(
        "ix_messages_conversation_job",
        "messages",
        ["job"],
        sqlite_where=conversations,
        postgresql_where=conversations,
    )
