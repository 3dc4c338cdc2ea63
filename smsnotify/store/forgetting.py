"""Erasing a person: what is theirs goes; a keyed hash stays where they want no texts.

Jobs and events are the firm's own records and are forgotten by age (`store.retention`); what is
on its way to a provider keeps its number until its fate is known, and is pruned with the rest.
"""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from smsnotify.store.consents import standings
from smsnotify.store.contacts import contacts_of
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import to_micros
from smsnotify.store.numbers import ids_of
from smsnotify.store.people_batch import Forgotten
from smsnotify.store.rowset import among, is_postgres, packed

_IN_FLIGHT: Final = "state IN ('sending', 'unknown')"


def forget(
    connection: Connection, hashed: RecipientHash, address: str, now: datetime
) -> Forgotten | None:
    """Erase the person behind an address; None when nothing is known of it."""
    contact = contacts_of(connection, [address]).get(address)
    addresses = contact.addresses if contact is not None else (address,)
    erasing = _Erasing(connection, hashed, addresses, now)
    opted_out = erasing.consents()
    erasing.counters()
    done = Forgotten(
        enrolments=erasing.enrolments(),
        cancelled=erasing.waiting_texts(),
        in_flight=erasing.in_flight(),
        texts=erasing.texts(),
        replies=erasing.replies(),
        interactions=0 if contact is None else erasing.contact(contact.id),
        addresses=0 if contact is None else len(addresses),
        opted_out=opted_out,
    )
    return done if contact is not None or done != Forgotten() else None


class _Erasing:
    """Statements over everything that one person's addresses and their hashes lead to."""

    def __init__(
        self,
        connection: Connection,
        hashed: RecipientHash,
        addresses: Sequence[str],
        now: datetime,
    ) -> None:
        self._connection = connection
        self._addresses = addresses
        self._hashes = [hashed(address) for address in addresses]
        self._hashed = hashed
        self._now = to_micros(now)
        self._numbers = packed(list(addresses))
        self._postgres = is_postgres(connection)
        self._ids = packed(ids_of(connection, hashed, addresses))
        self._theirs = f"{among(self._postgres, 'id', 'ids')} AND recipient_hash = :hash"

    def consents(self) -> bool:
        """Keep of consents the opt-outs that hold, without a word beside them."""
        found = dict(zip(self._hashes, self._addresses, strict=True))
        out = False
        for address, standing in standings(self._connection, found).items():
            holding = [*standing.refused, *(["all"] if standing.is_out else [])]
            out = out or bool(holding)
            values = {"hash": self._hashed(address), "scopes": packed(holding)}
            scopes = among(self._postgres, "scope", "scopes")
            self._do(
                "DELETE FROM consents WHERE recipient_hash = :hash "
                f"AND NOT ({scopes} AND {self._true('opted_out')})",
                values,
            )
            self._do(
                "UPDATE consents SET note = '', words = '', call_to_action = '' "
                "WHERE recipient_hash = :hash",
                values,
            )
        return out

    def counters(self) -> None:
        """Forget how many texts were counted."""
        for hash_ in self._hashes:
            self._do("DELETE FROM counters WHERE recipient_hash = :hex", {"hex": hash_.hex()})

    def enrolments(self) -> int:
        """End what the person is in the middle of, and blank what they answered everywhere."""
        which = f"FROM enrolments WHERE {among(self._postgres, 'number', 'numbers')}"
        done = self.count(f"enrolments WHERE {among(self._postgres, 'number', 'numbers')}")
        self._do(
            "INSERT INTO transitions "
            "(enrolment_id, turn, from_step, to_step, path, cause, ref, at) "
            "SELECT id, turn + 1, step, 'exited', 'forgotten', 'ended', '', :now "
            f"{which} AND state = 'waiting'"
        )
        self._do(
            "DELETE FROM errands WHERE state = 'due' AND enrolment_id <> '' "
            f"AND enrolment_id IN (SELECT id {which})"
        )
        # Alerts quote the person to the firm's own people; errands hold what was quoted.
        told = (
            "subject IN (SELECT errands.id FROM errands WHERE errands.kind = 'alert' "
            f"AND errands.enrolment_id IN (SELECT id {which}))"
        )
        self._do(f"UPDATE messages SET body = '' WHERE kind = 'alert' AND {told}")
        self._do(f"UPDATE errands SET data = '{{}}' WHERE enrolment_id IN (SELECT id {which})")
        self._do(
            "UPDATE enrolments SET turn = turn + 1, state = 'exited', waiting = '', due_at = NULL, "
            f"ended_at = :now WHERE {among(self._postgres, 'number', 'numbers')} "
            "AND state = 'waiting'"
        )
        # Its own id in the number's place: unique, and nobody's.
        self._do(
            "UPDATE enrolments SET number = id, contact_id = '', answers = '{}' "
            f"WHERE {among(self._postgres, 'number', 'numbers')}"
        )
        self._do(f"DELETE FROM choices WHERE {among(self._postgres, 'number', 'numbers')}")
        return done

    def waiting_texts(self) -> int:
        """Cancel what has not left."""
        return self._by_hash(
            "UPDATE messages SET state = 'cancelled', gate = '', reason = 'forgotten', "
            "lease_owner = '', lease_until = NULL, updated_at = :now "
            f"WHERE {self._theirs} AND state IN ('held', 'queued')"
        )

    def in_flight(self) -> int:
        """Count what nobody knows the fate of yet."""
        return self.count(f"messages WHERE {self._theirs} AND {_IN_FLIGHT}")

    def texts(self) -> int:
        """Blank what was said; the row stays, so that an old file does not text again."""
        self._by_hash(
            "UPDATE decisions SET recipient = '', detail = '' WHERE recipient_hash = :hash"
        )
        self._by_hash("DELETE FROM first_texts WHERE recipient_hash = :hash")
        self._by_hash("UPDATE feedback SET comment = '' WHERE recipient_hash = :hash")
        # Providers repeat numbers in their complaints.
        self._by_hash(
            "UPDATE attempts SET raw_text = '' WHERE raw_text <> '' AND message_id IN "
            f"(SELECT id FROM messages WHERE {self._theirs})"
        )
        return self._by_hash(
            "UPDATE messages SET recipient = '', intended = '', body = '', title = '', "
            "markup = '', error_text = '' "
            f"WHERE {self._theirs} AND NOT ({_IN_FLIGHT}) AND recipient <> ''"
        )

    def replies(self) -> int:
        """Blank what the person wrote; the row stays, so that a hook's replay is no new reply.

        What nobody has worked yet stays until it is: it may be a STOP.
        """
        return self._do(
            "UPDATE replies SET sender = '', body = '', media = '[]', note = '', contact_id = '', "
            "state = 'worked', worked_at = COALESCE(worked_at, :now) "
            f"WHERE state <> 'new' AND {among(self._postgres, 'sender', 'numbers')}"
        )

    def contact(self, contact_id: str) -> int:
        """Delete the contact with everything that hangs on it; return how many interactions."""
        values = {"contact": contact_id}
        # What rules heard of them: events about jobs that were made up for it.
        heard = (
            "subject IN (SELECT 'track:' || CASE WHEN outside_id <> '' THEN outside_id "
            "ELSE id END FROM interactions WHERE contact_id = :contact)"
        )
        for table in ("events", "jobs", "aliases"):
            self._do(f"DELETE FROM {table} WHERE {heard}", values)
        done = self._do("DELETE FROM interactions WHERE contact_id = :contact", values)
        self._do("DELETE FROM addresses WHERE contact_id = :contact", values)
        self._do("DELETE FROM contacts WHERE id = :contact", values)
        self._do(f"DELETE FROM links WHERE {among(self._postgres, 'recipient', 'numbers')}")
        return done

    def count(self, which: str) -> int:
        """Count the rows of a table that meet a condition on the numbers or on each hash."""
        total = 0
        for hash_ in self._hashes if ":hash" in which else [b""]:
            found = self._connection.execute(
                text(f"SELECT count(*) FROM {which}"), self._values(which, {"hash": hash_})
            )
            total += int(found.scalar_one())
        return total

    def _by_hash(self, statement: str) -> int:
        return sum(self._do(statement, {"hash": hash_}) for hash_ in self._hashes)

    def _do(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        bound = self._values(statement, values or {})
        return int(self._connection.execute(text(statement), bound).rowcount)

    def _values(self, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
        every = {"now": self._now, "numbers": self._numbers, "ids": self._ids, **values}
        return {name: value for name, value in every.items() if f":{name}" in statement}

    def _true(self, column: str) -> str:
        return column if self._postgres else f"{column} = 1"
