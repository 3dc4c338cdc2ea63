"""Email beside the text: a subject line, and a body with markup. Ratings, silences."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    """Add columns, of which a text has neither, and the tables of ratings and silences."""
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
    op.create_table(
        "silences",
        sa.Column("id", sa.String(length=26), nullable=False),
        _text("group_name"),
        _text("rule"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silences")),
    )
