"""Queued texts to people who do not want them any more.

A text is judged when its event comes, and it may wait: for its turn, for a volume guard, for a
person who queues it again. Whoever says STOP in between must not get it.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, text

from smsnotify.store.claims import Claimed
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.people import newest_consents
from smsnotify.store.rowset import execute, is_postgres, packed, words

log = logging.getLogger(__name__)

OPTED_OUT: Final = "opted_out"
"""Gate and reason of what is cancelled here."""

_ANY_CONSENT: Final = "SELECT EXISTS (SELECT 1 FROM consents)"


def drop_unwanted(
    connection: Connection, hashed: RecipientHash, claimed: Sequence[Claimed], *, now: int
) -> list[Claimed]:
    """Cancel those of the claimed rows whose recipient has opted out; return the others.

    In the transaction that claims them, so that no opt-out comes between.
    """
    # Nearly always there is none: asked here without the query compiler.
    (known,) = execute(connection, _ANY_CONSENT, {}).fetchone() if claimed else (False,)
    if not known:
        return list(claimed)
    consents = newest_consents(
        connection, {hashed(one.recipient): one.recipient for one in claimed}
    )
    out = {recipient for recipient, consent in consents.items() if consent.opted_out}
    dropped = [one.id for one in claimed if one.recipient in out]
    if not dropped:
        return list(claimed)
    connection.execute(
        text(
            f"UPDATE messages SET state = 'cancelled', gate = '{OPTED_OUT}', "
            f"reason = '{OPTED_OUT}', lease_owner = '', lease_until = NULL, updated_at = :now "
            f"WHERE id IN ({words(is_postgres(connection), 'ids')}) AND state = 'queued'"
        ),
        {"ids": packed(dropped), "now": now},
    )
    log.info("queued texts to people who opted out are cancelled", extra={"count": len(dropped)})
    return [one for one in claimed if one.recipient not in out]
