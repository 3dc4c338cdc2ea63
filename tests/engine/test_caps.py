"""Caps through the engine: what leaves is counted once, by whoever is faster, in every way out."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.engine.conversing import converse
from smsnotify.engine.conversing_portion import Desk
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Memory, Ticket
from smsnotify.engine.release import release_due
from smsnotify.model.caps import MILLION, Cap, Caps
from smsnotify.model.decision import Decision, Mode
from smsnotify.model.facts import Policy
from smsnotify.model.message import InboundMessage
from smsnotify.plans.load import load_book
from smsnotify.store.open import open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # noon in Singapore
NIGHT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
MEI, ALI, STAFF = "+6591230000", "+6591230001", "+6598765432"
POLICY = Policy(mode=Mode.LIVE, country="SG", timezone="Asia/Singapore")
RULES = """
defaults: {max_age: none}
rules:
  - name: delivered
    events: [completed]
    caps: {per_hour: 2, per_day: 3}
    quiet_hours: {from: "22:00", to: "08:00", then: hold}
    to: {fields: [phone_number], fixed: ["+6598765432"]}
    body: "{{ do_number }} has arrived."
  - name: failed
    events: [failed]
    to: {fields: [phone_number]}
    body: "{{ do_number }} failed."
plans:
  - name: quote
    enter: {keywords: [HELLO]}
    steps:
      - hi: {send: "Hi!", wait: {for: 2d, replies: {YES: end}}}
"""


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


def book(folder: Path, rules: str = RULES) -> Any:
    path = folder / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    return load_book([path], country="SG")


def line(number: int, to: str = MEI, event: str = "completed") -> bytes:
    job = {"id": f"j{number}", "do_number": f"DO-{number}", "phone_number": to}
    return json.dumps({"event": event, "job": job}).encode()


def capped(**caps: Any) -> Policy:
    return msgspec.structs.replace(POLICY, caps=Caps(**caps))


def take(
    rules: Any,
    memory: Memory,
    lines: list[bytes],
    now: datetime = NOW,
    *,
    policy: Policy = POLICY,
    ticket: Ticket = Ticket("run", adopts=True),
) -> list[Decision]:
    return Intake(rules.rules, policy, memory, ticket=ticket).take(1, lines, now).decisions


def told(decisions: list[Decision], to: str = MEI) -> list[str]:
    return [one.reason or one.verdict.value for one in decisions if one.draft.recipient == to]


def test_a_rule_texts_one_person_so_often_an_hour_and_a_day(store: Store, tmp_path: Path) -> None:
    rules = book(tmp_path)
    noon = take(rules, store, [line(1), line(2), line(3), line(4, ALI)])
    assert told(noon) == ["send", "send", "recipient_cap"]
    assert told(noon, ALI) == ["send"]
    assert told(noon, STAFF) == ["send"] * 4, "staff are told of each"
    stopped = next(one for one in noon if one.reason)
    assert (stopped.gate, stopped.detail) == ("caps", "rule delivered: per_hour is 2")
    later = take(rules, store, [line(3), line(5)], NOW + timedelta(hours=1))
    assert told(later) == ["send", "recipient_cap"], "a stopped text leaves no key"
    assert told(take(rules, store, [line(5)], NOW + timedelta(hours=21))) == ["send"]


def test_the_day_is_the_firms_own(store: Store, tmp_path: Path) -> None:
    rules = book(tmp_path)
    policy = capped(desk=(Cap(span="day", hard=1, where="[caps]"),))
    before = datetime(2026, 3, 2, 15, 59, tzinfo=UTC)  # a minute before midnight
    assert told(take(rules, store, [line(1, MEI, "failed")], before, policy=policy)) == ["send"]
    again = take(rules, store, [line(2, MEI, "failed")], before, policy=policy)
    assert told(again) == ["day_cap"]
    after = before + timedelta(minutes=1)
    assert told(take(rules, store, [line(2, MEI, "failed")], after, policy=policy)) == ["send"]


@pytest.mark.parametrize(
    ("caps", "reasons"),
    [
        ({"recipient": (Cap(span="day", hard=1),)}, ["send", "recipient_cap", "send"]),
        ({"desk": (Cap(span="day", hard=2),)}, ["send", "send", "day_cap"]),
        ({"desk": (Cap(span="run", hard=2),)}, ["send", "send", "run_cap"]),
        ({"countries": {"SG": (Cap(span="day", hard=1),)}}, ["send", "country_cap", "country_cap"]),
        ({"countries": {"MY": (Cap(span="day", hard=1),)}}, ["send"] * 3),
        (
            {"desk": (Cap(span="day", of="money", hard=9 * MILLION // 100),)},
            ["send", "send", "money_cap"],
        ),
        ({"desk": (Cap(span="day", soft=1),)}, ["send"] * 3),
    ],
)
def test_each_cap_stops_with_its_own_word(
    store: Store, tmp_path: Path, caps: dict[str, Any], reasons: list[str]
) -> None:
    policy = capped(price=lambda route, country, channel: Decimal("0.04"), currency="SGD", **caps)
    lines = [line(1, MEI, "failed"), line(2, MEI, "failed"), line(3, ALI, "failed")]
    rules = book(tmp_path)
    rehearsed = take(rules, Rehearsal(None), lines, policy=policy)
    decided = take(rules, store, lines, policy=policy)
    assert [one.reason or one.verdict.value for one in decided] == reasons
    assert [one.as_json() for one in rehearsed] == [one.as_json() for one in decided]


def test_what_a_soft_cap_lets_go_is_told_once(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = capped(desk=(Cap(span="day", soft=1, where="[caps]"),))
    rules = book(tmp_path)
    for number in range(4):
        decided = take(rules, store, [line(number, MEI, "failed")], policy=policy)
        assert decided[0].beyond == (("[caps] per_day",) if number else ())
    assert caplog.messages == ["soft cap passed: [caps] per_day"]
    assert decided[0].as_json()["beyond"] == ("[caps] per_day",)


def test_a_text_of_unknown_price_costs_nothing_and_money_is_told(tmp_path: Path) -> None:
    prices = {"SG": Decimal("0.06")}
    policy = capped(
        desk=(Cap(span="day", of="money", hard=MILLION // 10, where="[caps]"),),
        price=lambda route, country, channel: prices.get(country),
        currency="SGD",
    )
    lines = [line(1, MEI, "failed"), line(2, "+60123456789", "failed"), line(3, MEI, "failed")]
    decided = take(book(tmp_path), Rehearsal(None), lines, policy=policy)
    assert [one.reason for one in decided] == ["", "", "money_cap"]
    assert decided[2].detail == "[caps] money_per_day is 0.1 SGD, 0.06 is spent"


def test_a_held_text_counts_when_it_leaves(store: Store, tmp_path: Path) -> None:
    rules = book(tmp_path)
    held = take(rules, store, [line(number) for number in range(5)], NIGHT)
    assert told(held) == ["quiet_hours"] * 5
    morning = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    release_due(store, rules.rules, POLICY, morning)
    messages = [one for one in store.list_messages(Wanted()) if one.recipient == MEI]
    assert Counter(one.reason or one.state for one in messages) == {
        "queued": 2,
        "recipient_cap": 3,
    }
    # They count for the hour and the day in which they left.
    assert told(take(rules, store, [line(9)], morning)) == ["recipient_cap"]
    assert told(take(rules, store, [line(9)], morning + timedelta(hours=1))) == ["send"]
    assert told(take(rules, store, [line(10)], morning + timedelta(hours=1))) == ["recipient_cap"]


def test_a_digest_is_one_text_for_caps(store: Store, tmp_path: Path) -> None:
    rules = book(
        tmp_path,
        """
rules:
  - name: delivered
    events: [completed]
    caps: {per_hour: 1}
    digest: {by: [phone_number], wait: 10m}
    to: {fields: [phone_number]}
    body: "{% for job in jobs %}{{ job.do_number }} {% endfor %}arrived."
""",
    )
    held = take(rules, store, [line(1), line(2), line(3)])
    assert told(held) == ["digest"] * 3
    release_due(store, rules.rules, POLICY, NOW + timedelta(minutes=10))
    assert [one.body for one in store.list_messages(Wanted(states=frozenset({"queued"})))] == [
        "DO-1 DO-2 DO-3 arrived."
    ]
    assert told(take(rules, store, [line(4)], NOW + timedelta(minutes=11))) == ["digest"]
    release_due(store, rules.rules, POLICY, NOW + timedelta(minutes=21))
    (stopped,) = store.list_messages(Wanted(job="DO-4"))
    assert (stopped.state, stopped.gate, stopped.reason) == ("cancelled", "caps", "recipient_cap")
    # The next hour has room for all who came meanwhile, in one text.
    take(rules, store, [line(5), line(6)], NOW + timedelta(minutes=55))
    release_due(store, rules.rules, POLICY, NOW + timedelta(minutes=65))
    (sent, carried) = (store.list_messages(Wanted(job=f"DO-{n}"))[0] for n in (5, 6))
    assert (sent.state, carried.reason) == ("queued", "merged")


def test_two_releases_at_once_never_overshoot(store: Store, tmp_path: Path) -> None:
    """One has read its counters when the other lets texts go."""
    rules = book(tmp_path)
    take(rules, store, [line(1), line(2), line(3, ALI)], NIGHT)
    morning = datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    policy = capped(desk=(Cap(span="day", hard=1),))
    overtaken: list[object] = []

    class Slow:
        """A store in which something else counts between the look and the write."""

        def resolve_held(self, *args: Any) -> set[str]:
            if not overtaken:
                overtaken.append(
                    take(rules, store, [line(9, ALI, "failed")], morning, policy=policy)
                )
            return store.resolve_held(*args)

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    release_due(Slow(), rules.rules, policy, morning)  # type: ignore[arg-type]
    messages = store.list_messages(Wanted())
    people = [one for one in messages if one.recipient != STAFF and one.state == "queued"]
    assert [one.job for one in people] == ["DO-9"]
    assert {one.reason for one in messages if one.state == "cancelled"} == {"day_cap"}


def test_what_must_wait_does_not_stop_for_the_cap_of_today(store: Store, tmp_path: Path) -> None:
    rules = book(tmp_path)
    evening = NIGHT - timedelta(hours=1)
    take(rules, store, [line(1), line(2)], evening)
    take(rules, store, [line(3)], evening - timedelta(hours=2))
    assert told(take(rules, store, [line(4)], evening)) == ["recipient_cap"]
    assert told(take(rules, store, [line(4)], NIGHT)) == ["quiet_hours"]


def test_a_run_counts_what_it_holds_too(store: Store, tmp_path: Path) -> None:
    policy = capped(desk=(Cap(span="run", hard=3, where="[caps]"),))
    lines = [line(number, f"+659123{number:04}") for number in range(3)]
    decided = take(book(tmp_path), store, lines, NIGHT, policy=policy)
    told_all = [one.reason or one.verdict.value for one in decided]
    assert told_all == ["quiet_hours", "send", "quiet_hours", "send", "run_cap", "send"]
    another = take(book(tmp_path), store, lines[2:], NIGHT, policy=policy, ticket=Ticket("2"))
    assert another[0].reason == "quiet_hours"
    nobody = take(book(tmp_path), store, lines, NIGHT, policy=policy, ticket=Ticket())
    assert not {one.reason for one in nobody} & {"run_cap"}


def test_a_run_that_takes_the_place_of_a_guarded_one_counts_its_texts_once(
    store: Store, tmp_path: Path
) -> None:
    rules = book(tmp_path)
    policy = capped(recipient=(Cap(span="day", hard=2),), desk=(Cap(span="day", hard=2),))
    lines = [line(1, MEI, "failed"), line(2, MEI, "failed")]
    guarded = Ticket("first", guarded=True, adopts=True)
    assert told(take(rules, store, lines, policy=policy, ticket=guarded)) == ["send", "send"]
    again = take(
        rules, store, lines, policy=policy, ticket=Ticket("second", guarded=True, adopts=True)
    )
    assert told(again) == ["send", "send"]
    assert told(take(rules, store, [line(3, MEI, "failed")], policy=policy)) == ["recipient_cap"]
    # Tomorrow they count for tomorrow.
    tomorrow = NOW + timedelta(days=1)
    late = take(rules, store, lines, tomorrow, policy=policy, ticket=Ticket("3", adopts=True))
    assert told(late) == ["send", "send"]
    more = take(rules, store, [line(4, MEI, "failed")], tomorrow, policy=policy)
    assert told(more) == ["recipient_cap"]


def test_a_mode_has_counters_of_its_own(store: Store, tmp_path: Path) -> None:
    rules = book(tmp_path)
    sandbox = msgspec.structs.replace(POLICY, mode=Mode.SANDBOX)
    assert told(take(rules, store, [line(1), line(2)], policy=sandbox)) == ["send", "send"]
    assert told(take(rules, store, [line(1), line(2)])) == ["send", "send"]


def test_answers_and_the_word_stop_are_never_capped(store: Store, tmp_path: Path) -> None:
    policy = capped(recipient=(Cap(span="day", hard=1),), desk=(Cap(span="day", hard=1),))
    rules = book(tmp_path)
    assert told(take(rules, store, [line(1, MEI, "failed")], policy=policy)) == ["send"]
    desk = Desk(store, rules, policy)
    for place, said in enumerate(["HELLO", "STOP"]):
        reply = InboundMessage(
            provider_message_id=said, sender=MEI, to="+6531590000", body=said, at=NOW
        )
        store.note_replies("main", [reply], NOW + timedelta(minutes=place))
        done = converse(desk, NOW + timedelta(minutes=place))
        assert (done.queued, done.stopped) == (1, 0)
    # They are counted where everything is: nothing else leaves today.
    assert told(take(rules, store, [line(2, ALI, "failed")], policy=policy), ALI) == ["day_cap"]


def test_processes_at_once_never_overshoot(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All read their counters before any of them writes: the last ones judge again."""
    policy = capped(desk=(Cap(span="day", hard=5, where="[caps]"),))
    rules = book(tmp_path)
    workers = 3
    together = threading.Barrier(workers)
    decided: list[Decision] = []

    class Late:
        """A store whose first save waits for everybody's facts."""

        durable = True

        def __init__(self) -> None:
            self.waits = True

        def save(self, batch: Any) -> Any:
            if self.waits:
                self.waits = False
                together.wait(20)
            return store.save(batch)

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

    def work(number: int) -> None:
        lines = [line(10 * number + n, f"+65912{number}{n:04}", "failed") for n in range(3)]
        decided.extend(take(rules, Late(), lines, policy=policy))  # type: ignore[arg-type]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(one.reason for one in decided) == {"": 5, "day_cap": 4}
    assert store.count_messages(Wanted()) == 5


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(
        st.tuples(
            st.integers(1, 6),
            st.sampled_from([MEI, ALI, "+60123456789"]),
            st.sampled_from(["completed", "failed"]),
            st.sampled_from([0, 20, 50, 75, 700]),
        ),
        max_size=25,
    ),
    chunk=st.integers(1, 6),
)
def test_never_more_than_the_caps_leave_however_events_come(
    events: list[tuple[int, str, str, int]], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """By person and rule, by person, by country, by day and by money; in chunks or one by one."""
    policy = capped(
        recipient=(Cap(span="hour", hard=2), Cap(span="day", hard=4)),
        desk=(
            Cap(span="day", hard=9),
            Cap(span="day", of="money", hard=30 * MILLION // 100),
            Cap(span="run", hard=8),
        ),
        countries={"MY": (Cap(span="day", hard=2),)},
        price=lambda route, country, channel: Decimal("0.05"),
    )
    rules = book(tmp_path_factory.mktemp("caps"))
    minutes = sorted(late for *_, late in events)
    lines = [
        (line(number, to, event), NOW + timedelta(minutes=late))
        for (number, to, event, _), late in zip(events, minutes, strict=True)
    ]
    one_by_one, whole = Rehearsal(None), Rehearsal(None)
    single = [
        (one, now)
        for written, now in lines
        for one in take_one(rules, one_by_one, written, now, policy)
    ]
    many: list[Decision] = []
    for now in dict.fromkeys(now for _, now in lines):
        same = [written for written, at in lines if at == now]
        for first in range(0, len(same), chunk):
            many += take(rules, whole, same[first : first + chunk], now, policy=policy)
    assert [one.as_json() for one, _ in single] == [one.as_json() for one in many]
    sent = [(one, now) for one, now in single if one.verdict == "send"]
    people = [(one, now) for one, now in sent if one.draft.recipient != STAFF]
    by_hour = Counter((one.draft.recipient, now.replace(minute=0)) for one, now in people)
    by_day = Counter((one.draft.recipient, day(now)) for one, now in people)
    abroad = Counter(day(now) for one, now in people if one.draft.country == "MY")
    assert max(by_hour.values(), default=0) <= 2
    assert max(by_day.values(), default=0) <= 4
    assert max(abroad.values(), default=0) <= 2
    for at in {day(now) for _, now in sent}:
        today = [one for one, now in sent if day(now) == at]
        last = [place for place, one in enumerate(today) if one.draft.recipient != STAFF]
        # Staff are told whatever it costs; before a capped text there was room for it.
        assert all(place < 9 for place in last)
        assert all(sum(one.segments for one in today[: place + 1]) * 5 <= 30 for place in last)


def take_one(
    rules: Any, memory: Memory, written: bytes, now: datetime, policy: Policy
) -> list[Decision]:
    return take(rules, memory, [written], now, policy=policy)


def day(now: datetime) -> Any:
    return (now + timedelta(hours=8)).date()
