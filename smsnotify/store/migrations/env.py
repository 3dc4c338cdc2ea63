"""Alembic's entry: runs the revisions on the connection that `store.schema` hands over."""

from __future__ import annotations

from alembic import context

from smsnotify.store.migrations import VERSION_TABLE
from smsnotify.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
