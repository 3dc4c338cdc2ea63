"""What all tables have in common: the metadata, and the kinds of columns.

Instants are whole microseconds since 1970 UTC (`store.instants`): exact, fast, and the same on
SQLite and PostgreSQL. Ids ascend, so inserts go to the end of an index.
"""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Compared byte by byte on PostgreSQL too, whatever the server's language: names that begin alike
# must lie together, and pages must follow each other as they do on SQLite.
EXACT = Text().with_variant(Text(collation="C"), "postgresql")


def text_column(name: str, default: str = "") -> Column[str]:
    """Return a column of text that is never NULL."""
    return Column(name, Text, nullable=False, server_default=default)
