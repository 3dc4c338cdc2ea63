"""Email beside the text: a message has a subject line, and a body with markup."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def upgrade() -> None:
    """Add columns; a text has neither."""
    op.add_column("messages", _text("title"))
    op.add_column("messages", _text("markup"))
