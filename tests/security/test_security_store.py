"""What the books must hold to, whoever writes the input and whatever breaks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from smsnotify.base.errors import StoreError
from smsnotify.engine.keep import Judged, Ticket, is_left_behind, keep
from smsnotify.gates.quiet_hours import quiet_hours_gate
from smsnotify.model.decision import Decision, Draft, Earlier, MessageKey, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import QuietHours, RuleTerms
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted

TERMS = RuleTerms(id="delivered", name="delivered", body=lambda job: "Hi")


def decided(key: MessageKey, do_number: str = "D1") -> Decision:
    event = Event("completed", Job(do_number=do_number), key.subject)
    draft = Draft(TERMS, event, key.recipient, key, country="SG")
    return Decision(draft=draft, verdict=Verdict.SEND, to=key.recipient, body="Hi", segments=1)


def test_a_broken_character_keeps_no_text_behind_an_old_volume_guard(
    database_url: str, now: datetime
) -> None:
    key = MessageKey("do:delivery|D1|", "live", "completed", "delivered", "1", "sms", "+6591230000")
    other = key._replace(subject="do:delivery|D\0|")
    with open_store(database_url) as store:
        keep(Judged([decided(key)]), store, Ticket("first", guarded=True), now)
        (held,) = store.list_messages(Wanted())
        behind = [Earlier(held.id, held.state, held.gate, held.run)]
        both = [decided(key), decided(other, "D\0")]
        decisions = keep(Judged(both, behind), store, Ticket("second", adopts=True), now)
        assert [one.verdict for one in decisions] == [Verdict.SEND, Verdict.SEND]
        assert {one.run for one in store.list_messages(Wanted())} == {"second"}


def test_no_error_of_the_database_shows_what_was_to_be_written(database_url: str) -> None:
    def insert() -> None:
        with store.begin() as connection:
            values = {"secret": "+6591230000"}
            connection.execute(text("INSERT INTO nowhere (number) VALUES (:secret)"), values)

    with open_store(database_url) as store, pytest.raises(StoreError) as refused:
        insert()
    told: BaseException | None = refused.value
    while told is not None:
        assert "6591230000" not in str(told)
        told = told.__cause__ or told.__context__


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(
    at=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),
    zone=st.sampled_from(ZONES),
    start=TIMES,
    end=TIMES,
)
@example(
    at=datetime(2026, 10, 25, 1, 10),
    zone="Europe/Berlin",
    start=datetime(2026, 1, 1, 21).time(),
    end=datetime(2026, 1, 1, 2, 30).time(),
)
@example(
    at=datetime(2026, 11, 1, 6, 10),
    zone="America/New_York",
    start=datetime(2026, 1, 1, 21).time(),
    end=datetime(2026, 1, 1, 1, 30).time(),
)
@settings(max_examples=200, deadline=None)
def test_quiet_hours_always_end_in_the_future(at, zone, start, end) -> None:  # type: ignore[no-untyped-def]
    """Also in the hour that the clocks show twice: a hold in the past is released for ever."""
    now = at.replace(tzinfo=UTC)
    terms = msgspec.structs.replace(TERMS, quiet_hours=QuietHours(start=start, end=end))
    key = MessageKey("id:1", "live", "completed", "delivered", "1", "sms", "+4915112345678")
    draft = Draft(terms, Event("completed", Job(time_zone=zone), "id:1"), key.recipient, key)
    ruling = quiet_hours_gate(draft, Facts({}, {}), Policy(), now)
    if ruling is not None:
        assert ruling.not_before is not None
        assert now < ruling.not_before <= now + timedelta(hours=27)
        again = quiet_hours_gate(draft, Facts({}, {}), Policy(), ruling.not_before)
        assert again is None or ruling.not_before.astimezone(ZoneInfo(zone)).time() != end


def test_who_has_no_guard_takes_nothing_from_a_stopped_run(
    database_url: str, now: datetime
) -> None:
    """`serve` counts nobody: a text that a run's volume guard holds stays held beside it."""
    key = MessageKey("do:delivery|D1|", "live", "completed", "delivered", "1", "sms", "+6591230000")
    with open_store(database_url) as store:
        keep(Judged([decided(key)]), store, Ticket("first", guarded=True), now)
        (earlier,) = store.taken([key]).values()
    assert not is_left_behind(earlier, Ticket())
    assert not is_left_behind(earlier, Ticket("first", adopts=True))
    assert is_left_behind(earlier, Ticket("second", adopts=True))


def test_a_name_that_no_database_can_hold_is_nobodys(database_url: str) -> None:
    with open_store(database_url) as store:
        assert store.find_user("mei\0tan") is None
