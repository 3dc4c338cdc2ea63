"""The rate of an account over all workers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table of what is booked."""
    op.create_table(
        "rates",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("booked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_rates")),
    )
