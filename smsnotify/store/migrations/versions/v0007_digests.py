"""Digests: windows in which texts wait for each other, and who carries whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the windows, and to messages the window of each and its carrier."""
    for name in ("digest", "carried_by"):
        op.add_column("messages", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_messages_digest",
        "messages",
        ["digest"],
        sqlite_where=sa.text("digest <> ''"),
        postgresql_where=sa.text("digest <> ''"),
    )
    op.create_table(
        "digests",
        sa.Column("door", _EXACT, nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("door", name=op.f("pk_digests")),
    )
