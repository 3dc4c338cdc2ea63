"""Digests: several jobs for one door leave as one text, and none is lost or told twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from digest_desk import ALI, LOADED, MEI, POLICY, DigestDesk, line

from smsnotify.engine import release
from smsnotify.engine.drafting import match
from smsnotify.engine.keep import Ticket, judge_remembering, keep
from smsnotify.engine.reporting import local_days
from smsnotify.events.decode import Decoder
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Mode
from smsnotify.model.event import Event
from smsnotify.model.message import InboundMessage, MessageState
from smsnotify.model.report import FirstAttempts
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.store import Store

QUEUED, HELD, CANCELLED = MessageState.QUEUED, MessageState.HELD, MessageState.CANCELLED


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def desk(store: Store, tmp_path: Path, now: datetime) -> DigestDesk:
    return DigestDesk(store, tmp_path, now)


def test_three_jobs_for_one_door_make_one_text(desk: DigestDesk) -> None:
    decisions = desk.loaded(1, 2) + desk.loaded(3)
    assert {(one.verdict.value, one.gate, one.reason) for one in decisions} == {
        ("hold", "digest", "digest")
    }
    assert {one.not_before for one in decisions} == {desk.now + timedelta(minutes=10)}
    assert [one.body for one in decisions] == [f"On the van: DO-{n}" for n in (1, 2, 3)]
    assert desk.wait(9.9) == []
    desk.wait(0.1)
    first, second, third = desk.messages()
    assert (first.state, first.body) == (QUEUED, "On the van: DO-1, DO-2, DO-3")
    for one in (second, third):
        assert (one.state, one.gate, one.reason) == (CANCELLED, "digest", "merged")
        assert one.carried_by == first.id
    assert first.expires_at == desk.now + timedelta(hours=24)
    assert desk.store.carried([first.id]) == [second, third]


def test_each_job_keeps_its_own_key(desk: DigestDesk) -> None:
    desk.loaded(1, 2)
    (again,) = desk.loaded(2)
    assert again.reason == "duplicate"
    desk.wait(10)
    assert [one.reason for one in desk.loaded(1, 2)] == ["duplicate", "duplicate"]
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


@pytest.mark.parametrize(
    "other",
    [
        {"phone_number": ALI},
        {"date": "2026-03-04"},
        {"phone_number": MEI, "date": None},
    ],
)
def test_another_door_has_its_own_text(desk: DigestDesk, other: dict[str, Any]) -> None:
    desk.loaded(1)
    desk.loaded(2, **other)
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1", "On the van: DO-2"]


def test_how_a_number_or_a_word_is_written_makes_no_other_door(desk: DigestDesk) -> None:
    desk.loaded(1)
    desk.loaded(2, phone_number="9123 0000", date=" 2026-03-03 ")
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_a_job_that_does_not_fit_any_more_is_left_out(desk: DigestDesk) -> None:
    desk.loaded(1, 2, 3)
    desk.changed(1, status="cancelled")
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-2, DO-3"]
    assert desk.reasons() == ["DO-1 no_longer_matches", "DO-2 queued", "DO-3 merged"]


def test_a_job_that_has_moved_to_another_door_leaves_by_itself(desk: DigestDesk) -> None:
    desk.loaded(1, 2, 3)
    desk.changed(2, date="2026-03-05")
    desk.wait(10)
    assert sorted(desk.bodies()) == ["On the van: DO-1, DO-3", "On the van: DO-2"]


def test_whoever_opts_out_while_the_window_is_open_gets_nothing(desk: DigestDesk) -> None:
    desk.loaded(1, 2)
    desk.store.opt_out(MEI, desk.now, source="phone")
    desk.wait(10)
    assert desk.reasons() == ["DO-1 opted_out", "DO-2 opted_out"]


def test_the_window_stays_open_until_its_text_leaves(desk: DigestDesk) -> None:
    desk.loaded(1)
    desk.now += timedelta(minutes=30)  # nobody ticks
    desk.loaded(2)
    desk.release()
    assert desk.bodies() == ["On the van: DO-1, DO-2"]
    desk.loaded(3)
    assert desk.wait(9) == []
    desk.wait(1)
    assert desk.bodies() == ["On the van: DO-1, DO-2", "On the van: DO-3"]


def test_a_text_expires_when_the_last_of_its_jobs_does(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    desk = DigestDesk(
        store, tmp_path, now, LOADED.replace("    where:", "    expires: 30m\n    where:")
    )
    desk.loaded(1)
    desk.now += timedelta(hours=2)  # nobody ticks
    (late,) = desk.loaded(2)
    assert late.not_before == desk.now
    desk.wait(1)
    assert desk.deliver() == 1
    assert [one.body for one in desk.messages(MessageState.DELIVERED)] == ["On the van: DO-1, DO-2"]


def test_a_window_that_everybody_left_does_not_hasten_the_next_text(desk: DigestDesk) -> None:
    desk.loaded(1)
    desk.store.cancel(Wanted(), desk.now)
    desk.now += timedelta(minutes=30)
    (decision,) = desk.loaded(2)
    assert decision.not_before == desk.now + timedelta(minutes=10)
    assert desk.release() == []
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-2"]


def test_a_window_that_ends_in_quiet_hours_is_one_text_in_the_morning(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    quiet = LOADED.replace(
        "    where:", '    quiet_hours: {from: "21:00", to: "08:00", then: hold}\n    where:'
    )
    desk = DigestDesk(store, tmp_path, now + timedelta(hours=8, minutes=55), quiet)  # 20:55
    desk.loaded(1)
    desk.wait(10)
    assert [(one.state, one.gate) for one in desk.messages()] == [(HELD, "quiet_hours")]
    (decision,) = desk.loaded(2)
    assert decision.reason == "quiet_hours"
    desk.wait(30)
    desk.loaded(3)
    desk.wait(60 * 11)
    assert desk.bodies() == ["On the van: DO-1, DO-2, DO-3"]
    assert desk.reasons() == ["DO-1 queued", "DO-2 merged", "DO-3 merged"]


def test_a_window_of_more_jobs_than_a_portion_leaves_whole(
    desk: DigestDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "AT_ONCE", 2)
    desk.loaded(*range(1, 8))
    desk.loaded(8, 9, phone_number=ALI)
    changed = desk.wait(10)
    assert len(changed) == 9
    assert desk.bodies() == [
        "On the van: DO-1, DO-2, DO-3, DO-4, DO-5, DO-6, DO-7",
        "On the van: DO-8, DO-9",
    ]


def test_a_text_that_joins_while_the_window_is_released_is_not_left_behind(
    desk: DigestDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.loaded(1, 2)
    whole = release.whole_windows

    def and_then_another(*given: Any) -> Any:
        read = whole(*given)
        monkeypatch.setattr(release, "whole_windows", whole)
        desk.loaded(3)
        return read

    monkeypatch.setattr(release, "whole_windows", and_then_another)
    assert desk.wait(10) == []  # the window is not what it was
    assert desk.bodies() == []
    desk.release()
    assert desk.bodies() == ["On the van: DO-1, DO-2, DO-3"]


def test_two_that_open_a_window_at_once_share_it(desk: DigestDesk) -> None:
    judged = [_judged(desk, 1), _judged(desk, 2)]  # each believes to be the first
    for offset, one in enumerate(judged):
        at = desk.now + timedelta(seconds=offset)
        keep(one, desk.store, Ticket(), at)
    assert {one.not_before for one in desk.messages()} == {desk.now + timedelta(minutes=10)}
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_a_text_that_comes_too_late_for_its_window_opens_the_next(desk: DigestDesk) -> None:
    desk.loaded(1)
    desk.now += timedelta(minutes=10)
    late = _judged(desk, 2)  # believes to join
    desk.release()
    keep(late, desk.store, Ticket(), desk.now)
    assert desk.release() == []
    assert desk.messages()[-1].not_before == desk.now + timedelta(minutes=10)
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1", "On the van: DO-2"]


def _judged(desk: DigestDesk, number: int) -> Any:
    """Judge a job's event without keeping what came of it yet."""
    desk.changed(number)
    (parsed,) = Decoder(desk.rules.job_type).decode(line(number))
    event = Event("out_for_delivery", parsed.job, f"id:{parsed.job.id}")
    drafts = match(event, desk.rules, desk.policy, desk.now)
    return judge_remembering(drafts, desk.store, desk.policy, Ticket(), desk.now)


def test_a_crash_in_the_middle_leaves_the_window_whole(
    desk: DigestDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.loaded(1, 2)
    with monkeypatch.context() as broken:

        def crash(connection: object) -> None:
            raise KeyboardInterrupt

        broken.setattr("smsnotify.store.held.announce", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.wait(10)
    assert [one.state for one in desk.messages()] == [HELD, HELD]
    desk.release()
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_too_many_jobs_for_one_text_make_as_few_as_the_limit_allows(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    rules = LOADED.replace("    where:", "    max_segments: 1\n    where:")
    desk = DigestDesk(store, tmp_path, now, rules)
    desk.loaded(*range(100, 150))
    desk.wait(10)
    bodies = desk.bodies()
    assert [len(body) <= 160 for body in bodies] == [True, True, True]
    told = [number for body in bodies for number in body[12:].split(", ")]
    assert told == [f"DO-{n}" for n in range(100, 150)]
    assert all(len(body) > 140 for body in bodies[:-1])


def test_a_job_that_lacks_a_word_is_left_out(store: Store, tmp_path: Path, now: datetime) -> None:
    body = "{% for job in jobs %}{{ job.do_number }} to {{ job.address }}. {% endfor %}"
    rules = LOADED.replace("On the van: {{ jobs | join(', ', attribute='do_number') }}", body)
    desk = DigestDesk(store, tmp_path, now, rules)
    desk.loaded(1, address="Ang Mo Kio 1")
    desk.loaded(2, address="Ang Mo Kio 2")
    desk.changed(1, address=None)
    (stopped,) = desk.loaded(3)
    assert stopped.reason == "missing_value"
    desk.wait(10)
    assert desk.reasons() == ["DO-1 missing_value", "DO-2 queued"]
    assert desk.bodies() == ["DO-2 to Ang Mo Kio 2. "]


def test_what_the_whole_lacks_stops_each_of_its_jobs(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    body = "{% if jobs | length > 1 %}To {{ address }}{% else %}One parcel{% endif %}"
    rules = LOADED.replace("On the van: {{ jobs | join(', ', attribute='do_number') }}", body)
    desk = DigestDesk(store, tmp_path, now, rules)
    desk.loaded(1, 2)
    again = desk.wait(10)
    assert desk.reasons() == ["DO-1 missing_value", "DO-2 missing_value"]
    numbers = [one.decision.draft.event.job.number for one in again if one.decision is not None]
    assert numbers == ["DO-1", "DO-2"]


def test_one_job_with_two_events_stands_in_the_text_once(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    desk = DigestDesk(store, tmp_path, now, LOADED.replace("[out_", "[scheduled, out_"))
    desk.intake().take(1, [line(1, "scheduled"), line(1), line(2)], now)
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_a_carrier_that_is_in_doubt_takes_the_others_along(desk: DigestDesk) -> None:
    desk.loaded(1, 2, 3)
    desk.wait(10)
    unsure = InboundMessage(provider_message_id="m", sender=MEI, to="+6531590000", body="enough")
    desk.store.note_replies("main", [unsure], desk.now)
    (reply,) = desk.store.unworked_replies()
    desk.store.set_reply_state(reply.id, was="new", state="doubtful", now=desk.now)
    assert desk.deliver() == 0
    (carrier,) = desk.messages(HELD)
    assert carrier.reason == "opt_out_in_doubt"
    desk.changed(1, status="cancelled")  # the carrier's own job
    desk.store.set_reply_state(reply.id, was="doubtful", state="worked", now=desk.now)
    desk.wait(1)
    assert desk.reasons() == ["DO-1 no_longer_matches", "DO-2 queued", "DO-3 merged"]
    assert desk.bodies() == ["On the van: DO-2, DO-3"]


def test_what_another_text_carries_is_not_sent_again_by_itself(desk: DigestDesk) -> None:
    desk.loaded(1, 2)
    desk.wait(10)
    desk.store.cancel(Wanted(), desk.now)
    assert desk.store.retry(Wanted(), desk.now) == 1
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_a_guarded_run_waits_for_its_guard_first(desk: DigestDesk) -> None:
    desk.loaded(1, 2, ticket=Ticket("r1", guarded=True))
    assert desk.wait(10) == []
    desk.loaded(3)
    assert {one.gate for one in desk.messages()} == {"volume_guard", "digest"}
    desk.store.release_run("r1", desk.now)
    desk.release()
    assert desk.bodies() == ["On the van: DO-1, DO-2, DO-3"]


def test_in_test_mode_the_one_text_goes_to_the_test_number(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    testing = msgspec.structs.replace(POLICY, mode=Mode.TEST, test_to=ALI)
    desk = DigestDesk(store, tmp_path, now, policy=testing)
    desk.loaded(1, 2)
    desk.wait(10)
    (text,) = desk.messages(QUEUED)
    assert (text.recipient, text.body) == (ALI, f"TEST for {MEI}: On the van: DO-1, DO-2")


def test_texts_and_mails_are_put_together_each_for_itself(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    rules = LOADED.replace(
        "    to: {fields: [phone_number]}",
        "    channel: [sms, email]\n    subject: '{{ jobs | length }} orders'\n"
        "    to: {fields: [phone_number, notify_email]}",
    )
    desk = DigestDesk(store, tmp_path, now, rules)
    desk.loaded(1, 2, notify_email="mei@example.com")
    desk.wait(10)
    text, mail = sorted(desk.messages(QUEUED), key=lambda one: one.channel, reverse=True)
    assert text.body == mail.body == "On the van: DO-1, DO-2"
    assert mail.title == "2 orders"


def test_each_jobs_link_stands_in_the_text_and_leads_to_its_own_page(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    body = "{% for job in jobs %}{{ job.tracking_link }} {% endfor %}"
    rules = LOADED.replace("On the van: {{ jobs | join(', ', attribute='do_number') }}", body)
    paged = msgspec.structs.replace(POLICY, public_url="https://n.example.com", tracking=True)
    desk = DigestDesk(store, tmp_path, now, rules, paged)
    desk.loaded(1, tracking_link="https://trk.la/1")
    desk.loaded(2)
    desk.wait(10)
    (told,) = desk.bodies()
    first, second = told.split()
    assert first == "https://trk.la/1"
    page = desk.store.find_link(second.rsplit("/", 1)[1])
    assert page is not None
    assert page.subject == "id:j0002"


def test_reminders_of_one_door_are_one_text_and_a_moved_job_is_left_out(
    store: Store, tmp_path: Path, now: datetime
) -> None:
    rules = """
rules:
  - name: tomorrow
    events: [pre_job]
    pre_job: {days_before: 1, at: "18:00"}
    digest: {by: [phone_number, date], wait: 1m}
    to: {fields: [phone_number]}
    body: "Tomorrow: {{ jobs | join(', ', attribute='do_number') }}"
"""
    desk = DigestDesk(store, tmp_path, now, rules)
    for number in range(1, 6):
        desk.changed(number)
    desk.now += timedelta(hours=6)
    desk.tick()
    assert desk.bodies() == []
    desk.changed(2, date="2026-03-09")
    desk.changed(3, status="cancelled")
    desk.now += timedelta(minutes=1)
    desk.tick()
    assert desk.bodies() == ["Tomorrow: DO-1, DO-4, DO-5"]
    assert desk.reasons()[1:3] == ["DO-2 no_longer_matches", "DO-3 job_closed"]
    desk.tick()
    assert desk.deliver() == 1
    for number in (1, 4, 5):
        desk.changed(number, status="completed")
    days = local_days(now.date(), now.date() + timedelta(days=1), ZoneInfo("Asia/Singapore"))
    assert store.report_figures(days, "live").reminded == FirstAttempts(3, 0)


def test_an_opt_out_of_marketing_leaves_service_digests_alone(desk: DigestDesk) -> None:
    change = ConsentChange(
        recipient=MEI, opted_out=True, source="phone", at=desk.now, scope="purpose:marketing"
    )
    desk.store.note_consents([change], desk.now)
    desk.loaded(1, 2)
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_windows_are_forgotten_once_nobody_waits_in_them(desk: DigestDesk) -> None:
    desk.loaded(1, 2)
    desk.wait(10)
    desk.loaded(3, phone_number=ALI)
    assert desk.store.prune(desk.now + timedelta(days=31)).digests == 1
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2", "On the van: DO-3"]


def test_what_no_database_can_hold_makes_no_other_door(desk: DigestDesk) -> None:
    desk.loaded(1, date="\x00")
    desk.loaded(2, date="\x00")
    desk.wait(10)
    assert desk.bodies() == ["On the van: DO-1, DO-2"]


def test_whoever_is_forgotten_waits_no_more(desk: DigestDesk) -> None:
    desk.loaded(1, 2)
    desk.store.forget(MEI, desk.now)
    desk.wait(10)
    assert desk.reasons() == ["DO-1 forgotten", "DO-2 forgotten"]
