"""The schema's history, shipped in the package. Forward only."""

from __future__ import annotations

from typing import Final

REVISIONS: Final = (
    "0001",
    "0002",
    "0003",
    "0004",
    "0005",
    "0006",
    "0007",
    "0008",
    "0009",
    "0010",
    "0011",
)
"""Every revision, oldest first; written down here so that opening needs no Alembic."""

HEAD: Final = REVISIONS[-1]

VERSION_TABLE: Final = "sms_notify_schema"
"""Our own name: a PostgreSQL schema may be shared with a program that uses Alembic too."""
