"""The tables of jobs, decisions and the outbox."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from smsnotify.store.tables_base import EXACT, metadata, text_column

OF_CONVERSATIONS = "kind IN ('plan', 'consent', 'alert', 'clerk')"
"""The messages whose subject is no job: what stands in the index of their jobs' numbers."""

# The newest snapshot of each job (`snapshot` is the job object as JSON) and its JobState.
jobs = Table(
    "jobs",
    metadata,
    Column("subject", EXACT, primary_key=True),
    text_column("do_number"),
    Column("date", EXACT, nullable=False, server_default=""),
    text_column("time_zone"),
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
    Column("name", EXACT, primary_key=True),
    Column("subject", EXACT, nullable=False),
)

# Events as they came.
events = Table(
    "events",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("subject", EXACT, nullable=False),
    Column("name", Text, nullable=False),
    text_column("event_id"),
    Column("time", BigInteger),
    Column("raw", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Index("ix_events_subject", "subject"),
    # Ratings are few, and a report must not read every event to find them.
    Index(
        "ix_events_feedback",
        "id",
        sqlite_where=text("name = 'feedback'"),
        postgresql_where=text("name = 'feedback'"),
    ),
)

# One row per (key, verdict, reason): the same stop of the same key is recorded once.
decisions = Table(
    "decisions",
    metadata,
    Column("subject", EXACT, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    text_column("gate"),
    text_column("detail"),
    text_column("recipient"),
    text_column("job"),
    text_column("event"),
    text_column("event_id"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    text_column("message_id"),
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

# The outbox. The UNIQUE key is the lock: whoever inserts a key first owns the text. There is no
# index by recipient: in no order, it would cost two thirds of the inserts' speed at a million rows
# (docs/explanation/speed.md). `message_numbers` is filled afterwards in its place.
messages = Table(
    "messages",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("subject", EXACT, nullable=False),
    Column("mode", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    text_column("intended"),
    text_column("country"),
    text_column("job"),
    Column("attempt", Integer, nullable=False, server_default="1"),
    text_column("event"),
    Column("event_time", BigInteger),
    text_column("body"),
    text_column("encoding"),
    Column("segments", Integer, nullable=False, server_default="1"),
    Column("priority", Integer, nullable=False, server_default="1"),
    text_column("route", "default"),
    text_column("account"),
    text_column("sender"),
    text_column("on_unknown", "hold"),
    text_column("provider_message_id"),
    text_column("error"),
    text_column("error_text"),
    text_column("gate"),
    text_column("reason"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    text_column("run"),
    Column("not_before", BigInteger),
    Column("expires_at", BigInteger),
    # Delivery's own columns: the lease, when the next try or look-up is due, looks so far.
    text_column("lease_owner"),
    Column("lease_until", BigInteger),
    Column("due_at", BigInteger, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    # Whose word the state is: '' our own doing or the answer to our request, else `receipt` or
    # `lookup`; and when it came about, by the provider's clock.
    text_column("told_by"),
    Column("told_at", BigInteger),
    # What ended the last doubt (`unknown`): receipt, lookup, answer or person.
    text_column("doubt_ended_by"),
    # Provider ids of tries that a person has put behind us, one space before each.
    text_column("past_ids"),
    # `service` or `marketing`: an opt-out may be of one purpose alone.
    text_column("purpose", "service"),
    # Of an email alone: the subject line, and the body as Markdown with its values escaped.
    text_column("title"),
    text_column("markup"),
    # Of a text that waits, or waited, with others: the window of its digest; and the message that
    # went out in its place.
    text_column("digest"),
    text_column("carried_by"),
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
    Index(
        "ix_messages_digest",
        "digest",
        sqlite_where=text("digest <> ''"),
        postgresql_where=text("digest <> ''"),
    ),
    # Texts of conversations have other subjects than their job.
    Index(
        "ix_messages_conversation_job",
        "job",
        sqlite_where=text(OF_CONVERSATIONS),
        postgresql_where=text(OF_CONVERSATIONS),
    ),
    # Texts of plans that did not arrive: their plans go another way.
    Index(
        "ix_messages_plan_ended",
        "updated_at",
        sqlite_where=text(
            "kind = 'plan' AND state IN ('failed', 'undelivered', 'expired', 'cancelled')"
        ),
        postgresql_where=text(
            "kind = 'plan' AND state IN ('failed', 'undelivered', 'expired', 'cancelled')"
        ),
    ),
    # A claim and its end then stay within the row's page and touch no index.
    postgresql_with={"fillfactor": 70},
)

# The newest window of each door (a keyed hash: rule, recipient and what their jobs share). Whoever
# joins or ends a window locks its row first; ended or left by all, the next text begins another.
digests = Table(
    "digests",
    metadata,
    Column("door", EXACT, primary_key=True),
    Column("id", String(26), nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("is_open", Integer, nullable=False, server_default="1"),
)

# Which messages are whose: half of a keyed hash of the number, and the id. `run` keeps what was
# entered at about the same time together (`store/numbers.py`).
message_numbers = Table(
    "message_numbers",
    metadata,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", String(26), primary_key=True),
    sqlite_with_rowid=False,
)

# Who has had the words that the first text to a number must carry, and with which message.
first_texts = Table(
    "first_texts",
    metadata,
    Column("recipient_hash", LargeBinary, primary_key=True),
    Column("mode", EXACT, primary_key=True),
    Column("message_id", String(26), nullable=False),
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
    text_column("error"),
    Column("http_status", Integer, nullable=False, server_default="0"),
    text_column("raw_code"),
    text_column("raw_text"),
    text_column("provider_message_id"),
)

# Every word of a provider on a message, as it came. `our_id` is the id of ours that it named;
# `message_id` the message that it is about, '' while none is known; `digest` tells a replay.
receipts = Table(
    "receipts",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", Text, nullable=False),
    text_column("provider_message_id"),
    text_column("our_id"),
    text_column("message_id"),
    text_column("state"),
    text_column("error"),
    text_column("raw_word"),
    text_column("raw_code"),
    Column("at", BigInteger),
    text_column("price"),
    text_column("currency"),
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
