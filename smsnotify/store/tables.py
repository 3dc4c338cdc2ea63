"""The tables, once for both databases. Migrations are proved equal to this file by a test.

Instants are whole microseconds since 1970 UTC (`store.instants`): exact, fast, and the same on
SQLite and PostgreSQL. Ids ascend, so inserts go to the end of an index.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

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
_EXACT = Text().with_variant(Text(collation="C"), "postgresql")


def _text(name: str, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, server_default=default)


# One row per thing that is known once: the key hash's secret, who paused what, the last tick.
meta = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# The newest snapshot of each job (`snapshot` is the job object as JSON) and its JobState.
jobs = Table(
    "jobs",
    metadata,
    Column("subject", _EXACT, primary_key=True),
    _text("do_number"),
    Column("date", _EXACT, nullable=False, server_default=""),
    _text("time_zone"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("state", LargeBinary, nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    # When the job first came with its present date: a reminder may be late for it.
    Column("dated_at", BigInteger, nullable=False),
    Index("ix_jobs_do_number", "do_number"),
    Index("ix_jobs_date", "date"),
)

# Every name that a job is known by: `id:…` and `do:type|number|date`.
aliases = Table(
    "aliases",
    metadata,
    Column("name", _EXACT, primary_key=True),
    Column("subject", _EXACT, nullable=False),
)

# Events as they came.
events = Table(
    "events",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("subject", _EXACT, nullable=False),
    Column("name", Text, nullable=False),
    _text("event_id"),
    Column("time", BigInteger),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_events_subject", "subject"),
)

# One row per (key, verdict, reason): the same stop of the same key is recorded once.
decisions = Table(
    "decisions",
    metadata,
    Column("subject", _EXACT, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _text("gate"),
    _text("detail"),
    _text("recipient"),
    _text("job"),
    _text("event"),
    _text("event_id"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    _text("message_id"),
    Column("not_before", BigInteger),
    Column("decided_at", BigInteger, nullable=False),
    UniqueConstraint(
        "subject",
        "mode",
        "kind",
        "rule",
        "occasion",
        "channel",
        "recipient_hash",
        "verdict",
        "reason",
        name="uq_decisions_once",
    ),
    Index("ix_decisions_decided_at", "decided_at"),
)

# The outbox. The UNIQUE key is the lock: whoever inserts a key first owns the text.
messages = Table(
    "messages",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("subject", _EXACT, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    _text("intended"),
    _text("country"),
    _text("job"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    _text("event"),
    Column("event_time", BigInteger),
    _text("body"),
    _text("encoding"),
    Column("segments", Integer, nullable=False, server_default="1"),
    Column("priority", Integer, nullable=False, server_default="1"),
    _text("route", "default"),
    _text("account"),
    _text("sender"),
    _text("on_unknown", "hold"),
    _text("provider_message_id"),
    _text("error"),
    _text("error_text"),
    _text("gate"),
    _text("reason"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _text("run"),
    Column("not_before", BigInteger),
    Column("expires_at", BigInteger),
    # Delivery's own columns: the lease, when the next try or look-up is due, looks so far.
    _text("lease_owner"),
    Column("lease_until", BigInteger),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # Whose word the state is: '' our own doing or the answer to our request, else `receipt` or
    # `lookup`; and when it came about, by the provider's clock.
    _text("told_by"),
    Column("told_at", BigInteger),
    # What ended the last doubt (`unknown`): receipt, lookup, answer or person.
    _text("doubt_ended_by"),
    # Provider ids of tries that a person has put behind us, one space before each.
    _text("past_ids"),
    UniqueConstraint(
        "subject",
        "mode",
        "kind",
        "rule",
        "occasion",
        "channel",
        "recipient_hash",
        name="uq_messages_key",
    ),
    # A claim must cost the same with a million held messages as with none.
    Index(
        "ix_messages_claim",
        "mode",
        "priority",
        "due_at",
        "id",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    Index(
        "ix_messages_held",
        "mode",
        "not_before",
        sqlite_where=text("state = 'held'"),
        postgresql_where=text("state = 'held'"),
    ),
    # What a run's volume guard holds back is released, or adopted by the next run, all at once.
    Index(
        "ix_messages_guarded",
        "run",
        sqlite_where=text("state = 'held' AND gate = 'volume_guard'"),
        postgresql_where=text("state = 'held' AND gate = 'volume_guard'"),
    ),
    Index(
        "ix_messages_unsettled",
        "state",
        "due_at",
        sqlite_where=text("state IN ('sending', 'unknown')"),
        postgresql_where=text("state IN ('sending', 'unknown')"),
    ),
    # Taken by a provider, and no final word so far: `outbox reconcile` asks in this order.
    Index(
        "ix_messages_open",
        "account",
        "due_at",
        sqlite_where=text("state IN ('accepted', 'sent')"),
        postgresql_where=text("state IN ('accepted', 'sent')"),
    ),
    Index(
        "ix_messages_provider",
        "provider_message_id",
        sqlite_where=text("provider_message_id <> ''"),
        postgresql_where=text("provider_message_id <> ''"),
    ),
    # A claim and its end then stay within the row's page and touch no index.
    postgresql_with={"fillfactor": 70},
)

attempts = Table(
    "attempts",
    metadata,
    Column("message_id", String(26), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("result", Text, nullable=False),
    _text("error"),
    Column("http_status", Integer, nullable=False, server_default="0"),
    _text("raw_code"),
    _text("raw_text"),
    _text("provider_message_id"),
)

# Every word of a provider on a message, as it came. `our_id` is the id of ours that it named;
# `message_id` the message that it is about, '' while none is known; `digest` tells a replay.
receipts = Table(
    "receipts",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", Text, nullable=False),
    _text("provider_message_id"),
    _text("our_id"),
    _text("message_id"),
    _text("state"),
    _text("error"),
    _text("raw_word"),
    _text("raw_code"),
    Column("at", BigInteger),
    _text("price"),
    _text("currency"),
    Column("segments", Integer, nullable=False, server_default="0"),
    Column("digest", String(32), nullable=False),
    Column("source", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("digest", name="uq_receipts_digest"),
    Index(
        "ix_receipts_message_id",
        "message_id",
        sqlite_where=text("message_id <> ''"),
        postgresql_where=text("message_id <> ''"),
    ),
    Index(
        "ix_receipts_early",
        "provider_message_id",
        sqlite_where=text("outcome = 'early'"),
        postgresql_where=text("outcome = 'early'"),
    ),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", String(26), primary_key=True),
    _text("name"),
    _text("language"),
    _text("time_zone"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

# Phone numbers (E.164) and email addresses, one contact each.
addresses = Table(
    "addresses",
    metadata,
    Column("address", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("contact_id", String(26), nullable=False, index=True),
)

# Every change of consent with its evidence; the newest row of a number and scope holds.
consents = Table(
    "consents",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("recipient_hash", LargeBinary, nullable=False),
    _text("scope", "all"),
    Column("opted_out", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    _text("note"),
    Column("at", BigInteger, nullable=False),
    Index("ix_consents_recipient_hash", "recipient_hash", "scope", "id"),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# Texts from people, as they came. `media` is a JSON list of addresses; `keyword` is the provider's
# own STOP, START or HELP; `to_number` is ours.
replies = Table(
    "replies",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", Text, nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("to_number", Text, nullable=False),
    _text("body"),
    _text("media", "[]"),
    _text("keyword"),
    Column("at", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    UniqueConstraint("account", "provider_message_id", name="uq_replies_once"),
    Index("ix_replies_sender", "sender"),
)

# Keys that programs come with: only a SHA-256 of each, as hex. A revoked key's name is free again.
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
    Column("revoked_at", BigInteger),
    UniqueConstraint("hash", name="uq_api_keys_hash"),
    Index(
        "uq_api_keys_live_name",
        "name",
        unique=True,
        sqlite_where=text("revoked_at IS NULL"),
        postgresql_where=text("revoked_at IS NULL"),
    ),
)

# Until when the turns of an account are booked, by all workers together (PostgreSQL only).
rates = Table(
    "rates",
    metadata,
    Column("account", Text, primary_key=True),
    Column("booked_until", BigInteger, nullable=False),
)
