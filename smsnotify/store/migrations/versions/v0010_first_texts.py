"""Who has had the words that the first text to a number must carry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_EXACT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table of first texts."""
    op.create_table(
        "first_texts",
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("mode", _EXACT, nullable=False),
        sa.Column("message_id", sa.String(length=26), nullable=False),
        sa.PrimaryKeyConstraint("recipient_hash", "mode", name=op.f("pk_first_texts")),
    )
