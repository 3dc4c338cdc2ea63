"""The outbox as people see it: find, count, retry, cancel."""

# ruff: noqa: S608 -- statements are joined from constants of this package; values are bound.

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, text

from smsnotify.model.facts import GATE_OF_REASON
from smsnotify.model.message import Attempt, Message, MessageState, Result
from smsnotify.store.books import subjects_called
from smsnotify.store.hashing import RecipientHash
from smsnotify.store.instants import from_micros, to_micros
from smsnotify.store.keys import GUARDED
from smsnotify.store.numbers import ids_of
from smsnotify.store.order import first_id
from smsnotify.store.rows import SELECTED, read_message
from smsnotify.store.rowset import among, is_postgres, packed, words
from smsnotify.store.tables_outbox import OF_CONVERSATIONS
from smsnotify.store.unstorable import storable
from smsnotify.store.wakeups import announce

RETRYABLE: Final = frozenset(
    {
        MessageState.FAILED,
        MessageState.UNDELIVERED,
        MessageState.EXPIRED,
        MessageState.CANCELLED,
    }
)
"""What a person may send again without risking a second text."""

CANCELLABLE: Final = frozenset({MessageState.HELD, MessageState.QUEUED})
"""What was certainly not handed over yet."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which messages: everything that is given must hold; nothing given means all.

    `job` is a D.O. number or a subject, `ids` are whole ids, `since` and `until` bound
    `created_at` (from, and before). `recipient` is who got it, `address` that, or whom it was
    meant for. `before` is the id behind which an earlier page ended.
    """

    states: frozenset[str] = frozenset()
    rule: str = ""
    job: str = ""
    account: str = ""
    mode: str = ""
    error: str = ""
    recipient: str = ""
    address: str = ""
    before: str = ""
    run: str = ""
    ids: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


class Stats(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many messages there are, by what; `accounts` is account → state → count."""

    states: dict[str, int]
    accounts: dict[str, dict[str, int]]
    errors: dict[str, int]
    held: dict[str, int]
    oldest_queued_at: datetime | None = None


def list_messages(
    connection: Connection, hashed: RecipientHash, wanted: Wanted, limit: int | None
) -> list[Message]:
    """Return messages, newest first."""
    condition, values = _condition(connection, hashed, wanted)
    most = "" if limit is None else f" LIMIT {int(limit)}"
    statement = text(f"SELECT {SELECTED} FROM messages WHERE {condition} ORDER BY id DESC{most}")
    return [read_message(row) for row in connection.execute(statement, values)]


def count_messages(connection: Connection, hashed: RecipientHash, wanted: Wanted) -> int:
    """Return how many messages there are of this kind."""
    condition, values = _condition(connection, hashed, wanted)
    counted = connection.execute(text(f"SELECT count(*) FROM messages WHERE {condition}"), values)
    return int(counted.scalar_one())


def messages_called(connection: Connection, id_start: str, limit: int = 2) -> list[Message]:
    """Return the messages whose id begins so; more than one means that it is not enough."""
    start = id_start.strip().lower()
    if not start.isalnum():
        return []
    statement = text(
        f"SELECT {SELECTED} FROM messages WHERE id >= :start AND id <= :end "
        f"ORDER BY id LIMIT {int(limit)}"
    )
    rows = connection.execute(statement, {"start": start, "end": start.ljust(26, "z")})
    return [read_message(row) for row in rows]


def message_with_provider_id(connection: Connection, provider_id: str) -> str:
    """Return the id of the newest message that a provider knows by that id, `''` for none."""
    found = connection.execute(
        text(
            "SELECT id FROM messages WHERE provider_message_id = :id "
            "AND provider_message_id <> '' ORDER BY id DESC LIMIT 1"
        ),
        {"id": storable(provider_id)},
    )
    return str(found.scalar() or "")


def attempts_of(connection: Connection, message_id: str) -> list[Attempt]:
    """Return every try to hand a message over, in order."""
    rows = connection.execute(
        text(
            "SELECT message_id, account, at, latency_ms, result, error, http_status, raw_code, "
            "raw_text, provider_message_id FROM attempts WHERE message_id = :id ORDER BY number"
        ),
        {"id": message_id},
    )
    return [
        Attempt(
            message_id=row.message_id,
            account=row.account,
            at=from_micros(row.at),
            latency_ms=row.latency_ms,
            result=Result(row.result),
            error=row.error,
            http_status=row.http_status,
            raw_code=row.raw_code,
            raw_text=row.raw_text,
            provider_message_id=row.provider_message_id,
        )
        for row in rows
    ]


def retry(
    connection: Connection,
    hashed: RecipientHash,
    wanted: Wanted,
    now: datetime,
    *,
    unknown: bool = False,
) -> int:
    """Queue messages again, through the first account of their route; return how many.

    `unknown` takes those that are maybe sent too: a person's decision. A message has as long as
    it had at first until it expires. What its tries came to stays in `attempts`. One whose text was
    forgotten, by age or by its reader's wish, has nothing left to say; one that another carries is
    sent again with that.
    """
    states = RETRYABLE | {MessageState.UNKNOWN} if unknown else RETRYABLE
    condition, values = _condition(connection, hashed, _only(wanted, states))
    statement = text(
        "UPDATE messages SET state = 'queued', account = '', error = '', error_text = '', "
        # What its earlier tries still come to is told apart from the new one by their ids.
        "past_ids = CASE WHEN provider_message_id = '' THEN past_ids "
        "ELSE past_ids || ' ' || provider_message_id END, "
        "doubt_ended_by = CASE WHEN state = 'unknown' THEN 'person' ELSE doubt_ended_by END, "
        "told_by = '', told_at = NULL, provider_message_id = '', gate = '', reason = '', "
        "looks = 0, lease_owner = '', lease_until = NULL, not_before = NULL, "
        "due_at = :now, updated_at = :now, "
        "expires_at = :now + (expires_at - COALESCE(not_before, created_at)) "
        f"WHERE {condition} AND body <> '' AND carried_by = ''"
    )
    queued = connection.execute(statement, values | {"now": to_micros(now)}).rowcount
    if queued:
        announce(connection)
    return queued


def cancel(
    connection: Connection,
    hashed: RecipientHash,
    wanted: Wanted,
    now: datetime,
    *,
    reason: str = "by_hand",
) -> int:
    """Cancel what was not handed over yet; return how many."""
    condition, values = _condition(connection, hashed, _only(wanted, CANCELLABLE))
    statement = text(
        "UPDATE messages SET state = 'cancelled', gate = '', reason = :why, lease_owner = '', "
        f"lease_until = NULL, updated_at = :now WHERE {condition}"
    )
    return connection.execute(statement, values | {"now": to_micros(now), "why": reason}).rowcount


def stats(connection: Connection, mode: str = "") -> Stats:
    """Count the outbox: by state, by account and state, by error, and what is held by why."""
    where = "WHERE mode = :mode" if mode else "WHERE :mode = ''"
    rows = connection.execute(
        text(
            "SELECT state, account, error, CASE WHEN state = 'held' THEN gate ELSE '' END, "
            "count(*), min(CASE WHEN state = 'queued' THEN created_at END) "
            f"FROM messages {where} GROUP BY 1, 2, 3, 4"
        ),
        {"mode": mode},
    ).all()
    found = Stats(
        states={},
        accounts={},
        errors={},
        held={},
        oldest_queued_at=from_micros(min((row[5] for row in rows if row[5]), default=None)),
    )
    for state, account, error, gate, count, _ in rows:
        _add(found.states, state, count)
        if account:
            _add(found.accounts.setdefault(account, {}), state, count)
        if error:
            _add(found.errors, error, count)
        if gate:
            _add(found.held, gate, count)
    return found


def people_of_run(connection: Connection, run: str) -> int:
    """Return for how many people a run's texts are that its volume guard holds back."""
    counted = connection.execute(
        text(f"SELECT count(DISTINCT recipient_hash) FROM messages WHERE run = :run AND {GUARDED}"),
        {"run": run},
    )
    return int(counted.scalar_one())


def release_run(connection: Connection, run: str, now: datetime) -> int:
    """Let go what a run's volume guard holds back; return how many texts.

    What another gate holds as well (its word is the reason) goes on waiting for that one.
    """
    gates = " ".join(f"WHEN '{reason}' THEN '{gate}'" for reason, gate in GATE_OF_REASON.items())
    statement = text(
        f"UPDATE messages SET gate = CASE reason {gates} ELSE reason END, "
        "state = CASE WHEN reason = '' THEN 'queued' ELSE 'held' END, "
        "due_at = CASE WHEN reason = '' THEN :now ELSE due_at END, updated_at = :now "
        f"WHERE run = :run AND {GUARDED}"
    )
    released = connection.execute(statement, {"run": run, "now": to_micros(now)}).rowcount
    if released:
        announce(connection)
    return released


def _add(counts: dict[str, int], name: str, count: int) -> None:
    counts[name] = counts.get(name, 0) + count


def _only(wanted: Wanted, states: Collection[MessageState]) -> Wanted:
    """Narrow to states in which something may be done; none left finds nothing."""
    allowed = frozenset(map(str, states))
    chosen = wanted.states & allowed if wanted.states else allowed
    return msgspec.structs.replace(wanted, states=chosen or frozenset({"none"}))


def _condition(
    connection: Connection, hashed: RecipientHash, wanted: Wanted
) -> tuple[str, dict[str, object]]:
    parts = ["1 = 1"]
    values: dict[str, object] = {}
    postgres = is_postgres(connection)
    for name in ("rule", "account", "mode", "error", "recipient", "run"):
        if value := getattr(wanted, name):
            parts.append(f"{name} = :{name}")
            values[name] = value
    if wanted.job:
        # Texts of rules are found by the key, which begins with the job; the few others by number.
        parts.append(
            f"({among(postgres, 'subject', 'subjects')} OR (job = :job AND {OF_CONVERSATIONS}))"
        )
        subjects = subjects_called(connection, wanted.job)
        values |= {"job": wanted.job, "subjects": packed([*subjects, wanted.job])}
    if address := wanted.recipient or wanted.address:
        parts.append(among(postgres, "id", "theirs"))
        values["theirs"] = packed(ids_of(connection, hashed, [address]))
    if wanted.ids:
        parts.append(among(postgres, "id", "ids"))
        values["ids"] = packed(list(wanted.ids))
    if wanted.before:
        parts.append("id < :behind")
        values["behind"] = storable(wanted.before)
    if wanted.states:
        parts.append(f"state IN ({words(postgres, 'states')})")
        values["states"] = packed(sorted(wanted.states))
    # Ids ascend with created_at, and only they have an index.
    if wanted.since is not None:
        parts.append("id >= :since_id AND created_at >= :since")
        values |= {"since_id": first_id(wanted.since), "since": to_micros(wanted.since)}
    if wanted.until is not None:
        parts.append("created_at < :until")
        values["until"] = to_micros(wanted.until)
    return " AND ".join(parts), values
