"""The rate of an account over all workers, and room in the outbox's pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table of what is booked; leave room for what every text goes through."""
    op.create_table(
        "rates",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("booked_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_rates")),
    )
    if op.get_context().dialect.name == "postgresql":
        # A claim and its end then stay within the row's page and touch no index.
        op.execute("ALTER TABLE messages SET (fillfactor = 70)")
