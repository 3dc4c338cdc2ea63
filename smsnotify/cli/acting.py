"""What people change by commands, written down for `users audit`."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from smsnotify.cli.desk import Desk
from smsnotify.engine.auditing import CLI, Actor, Trail
from smsnotify.engine.auditing import audited as written_down


def actor() -> Actor:
    """Return who gives this command, by the machine's own word."""
    try:
        return Actor(getpass.getuser(), CLI)
    except (OSError, KeyError, ImportError):
        return Actor("somebody", CLI)


@contextmanager
def audited(desk: Desk, what: str, about: str, *, before: str = "") -> Iterator[Trail]:
    """Write a change down, let it be made, and write what it came to."""
    entry = (desk.store, actor(), what, about, desk.clock())
    with written_down(*entry, before=before) as trail:
        yield trail
