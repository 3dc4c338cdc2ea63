"""Email beside the text: a subject line, and a body with markup. What tracking pages are rated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    """Add columns, of which a text has neither, and the table of ratings."""
    op.add_column("messages", _text("title"))
    op.add_column("messages", _text("markup"))
    op.create_table(
        "feedback",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "subject", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("recipient_hash", sa.LargeBinary(), nullable=False),
        sa.Column("goods", sa.Integer()),
        sa.Column("driver", sa.Integer()),
        _text("comment"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_feedback"),
    )
    op.create_index("ix_feedback_recipient_hash", "feedback", ["recipient_hash"])
