"""Rules that look at what else happened to a job: one by one is as all at once, on any books."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.release import release_due
from smsnotify.model.decision import Decision
from smsnotify.model.event import Event
from smsnotify.model.facts import Policy
from smsnotify.rules.bounds import LOOKS_BACK
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.explain import explain
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_existing, open_store
from smsnotify.store.outbox import Wanted
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.retention import RAW
from smsnotify.store.store import Store

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY = Policy(country="SG", timezone="Asia/Singapore")
RULES = """
version: 1
rules:
  - name: late
    events: [delayed, arrived]
    inhibited_by: {events: [completed, failed], within: 30m}
    to: {fields: [phone_number]}
    body: "{{ do_number }} is late"
  - name: thanks
    events: [completed]
    after: 20m
    unless: [feedback, failed]
    to: {fields: [phone_number]}
    body: "{{ do_number }}: how was it?"
  - name: stuck
    events: [on_hold, arrived]
    for: 40m
    to: {fields: [phone_number]}
    body: "{{ do_number }} does not move"
"""
NAMES = ["delayed", "arrived", "completed", "failed", "feedback", "on_hold", "new_attempt"]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return load_rules([path], country="SG")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with open_store(database_url) as opened:
        yield opened


def line(name: str, number: int = 1, at: datetime | None = None, **job: object) -> bytes:
    told: dict[str, object] = {
        "event": name,
        "job": {"do_number": f"DO-{number}", "phone_number": "+6591230000"} | job,
    }
    return msgspec.json.encode(told | ({} if at is None else {"time": at.isoformat()}))


lines = st.builds(
    line,
    st.sampled_from(NAMES),
    st.integers(1, 2),
    st.none() | st.integers(-60, 0).map(lambda minutes: NOW + minutes * MINUTE),
)


def told(decisions: Sequence[Decision]) -> list[tuple[str, str, str, str, object]]:
    """What was decided; which message a duplicate names is another matter."""
    return [
        (
            one.draft.terms.name,
            one.draft.event.name,
            one.reason,
            "" if one.reason == "duplicate" else one.detail,
            one.not_before,
        )
        for one in decisions
    ]


def take(
    rules: RuleSet, memory: Store | Rehearsal, written: Sequence[bytes], size: int
) -> list[Decision]:
    intake = Intake(rules, POLICY, memory, ticket=Ticket("run"))
    found: list[Decision] = []
    for first in range(0, len(written), size):
        found += intake.take(first + 1, written[first : first + size], NOW).decisions
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=st.lists(lines, max_size=6), today=st.lists(lines, min_size=1, max_size=10))
def test_one_by_one_is_as_all_at_once_and_as_a_dry_run(
    rules: RuleSet, sqlite_template: Path, before: list[bytes], today: list[bytes]
) -> None:
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        files = [Path(folder) / f"{name}.db" for name in ("one", "all")]
        urls = [f"sqlite:///{file}" for file in files]
        shutil.copy(sqlite_template, files[0])
        with open_store(urls[0]) as store:
            take(rules, store, before, 100)
        shutil.copy(*files)
        dry = Rehearsal(open_existing(urls[0]))
        rehearsed = told(take(rules, dry, today, 3))
        dry.close()
        with open_store(urls[0]) as store:
            one_by_one = told(take(rules, store, today, 1))
        with open_store(urls[1]) as store:
            at_once = told(take(rules, store, today, 100))
            released = release_due(store, rules, POLICY, NOW + timedelta(hours=2))
            kept = store.list_messages(Wanted(states=frozenset({"held"})), None)
    # Whatever waited has left or was cancelled with a word, but what waits for a later return.
    assert all(again.decision is not None for again in released)
    assert kept == []
    assert one_by_one == at_once == rehearsed


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    happened=st.lists(
        st.tuples(st.sampled_from(NAMES[1:]), st.integers(1, 2)), unique=True, min_size=2
    ),
    data=st.data(),
)
def test_whatever_waits_has_the_same_end_in_whatever_order_its_events_came(
    rules: RuleSet, sqlite_template: Path, happened: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Each event says when it was, and all of them have come before any text may leave."""
    written = [
        line(name, number, NOW - (len(happened) - place) * MINUTE)
        for place, (name, number) in enumerate(happened)
    ]
    ends = []
    for shuffled in (written, data.draw(st.permutations(written))):
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            shutil.copy(sqlite_template, Path(folder) / "desk.db")
            with open_store(f"sqlite:///{Path(folder) / 'desk.db'}") as store:
                take(rules, store, shuffled, data.draw(st.integers(1, 4)))
                release_due(store, rules, POLICY, NOW + timedelta(hours=2))
                texts = store.list_messages(Wanted(states=frozenset({"queued"})), None)
                ends.append(sorted((one.rule, one.job, one.event) for one in texts))
    waiting = [[end for end in some if end[0] != "late"] for some in ends]
    assert waiting[0] == waiting[1]


def test_what_waits_is_let_go_or_cancelled_on_both_databases(store: Store, rules: RuleSet) -> None:
    written = [line("completed", 1), line("completed", 2), line("on_hold", 3), line("on_hold", 4)]
    intake = Intake(rules, POLICY, store)
    intake.take(1, written, NOW)
    intake.take(5, [line("feedback", 1), line("failed", 3)], NOW + 10 * MINUTE)
    assert release_due(store, rules, POLICY, NOW + 19 * MINUTE) == []
    first = release_due(store, rules, POLICY, NOW + 20 * MINUTE)
    second = release_due(store, rules, POLICY, NOW + 40 * MINUTE)
    assert [
        (one.message.job, one.decision.verdict.value, one.decision.reason)
        for one in [*first, *second]
        if one.decision is not None
    ] == [
        ("DO-1", "stop", "overtaken"),
        ("DO-2", "send", ""),
        ("DO-3", "stop", "status_changed"),
        ("DO-4", "send", ""),
    ]
    kept = {one.job: one for one in store.list_messages(Wanted(), None)}
    assert (kept["DO-1"].state, kept["DO-1"].gate) == ("cancelled", "after")
    assert kept["DO-1"].error_text == "feedback at 2026-03-02 14:10 (Asia/Singapore)"
    assert kept["DO-2"].expires_at == NOW + 20 * MINUTE + timedelta(hours=24)


def test_a_text_that_watched_in_vain_gives_its_key_to_the_next_one(
    store: Store, rules: RuleSet
) -> None:
    intake = Intake(rules, POLICY, store)
    intake.take(1, [line("on_hold"), line("failed")], NOW)
    (gone,) = release_due(store, rules, POLICY, NOW + 40 * MINUTE)
    (again,) = intake.take(3, [line("on_hold")], NOW + 50 * MINUTE).decisions
    assert (again.verdict.value, again.not_before) == ("hold", NOW + 90 * MINUTE)
    (kept,) = store.list_messages(Wanted(), None)
    assert kept.id != gone.message.id
    # The same old news once more is stopped, and takes nothing away.
    store.cancel(Wanted(), NOW)
    (old,) = intake.take(4, [line("on_hold", at=NOW - MINUTE)], NOW + 60 * MINUTE).decisions
    assert old.reason == "duplicate"


def test_old_news_that_comes_again_takes_no_cancelled_text_away(
    store: Store, rules: RuleSet
) -> None:
    intake = Intake(rules, POLICY, store)
    news = [line("on_hold", at=NOW), line("failed", at=NOW + MINUTE)]
    intake.take(1, news, NOW + MINUTE)
    release_due(store, rules, POLICY, NOW + 40 * MINUTE)
    (gone,) = store.list_messages(Wanted(), None)
    (old,) = intake.take(3, news[:1], NOW + 50 * MINUTE).decisions
    assert (old.reason, old.detail) == (
        "status_changed",
        "failed at 2026-03-02 14:01 (Asia/Singapore)",
    )
    assert [one.id for one in store.list_messages(Wanted(), None)] == [gone.id]


def test_a_volume_guard_lets_go_of_what_goes_on_waiting(store: Store, rules: RuleSet) -> None:
    intake = Intake(rules, POLICY, store, ticket=Ticket("run", guarded=True))
    intake.take(1, [line("completed", 1), line("on_hold", 2)], NOW)
    assert store.release_run("run", NOW) == 2
    kept = {one.job: one for one in store.list_messages(Wanted(), None)}
    assert (kept["DO-1"].state, kept["DO-1"].gate) == ("held", "after")
    assert (kept["DO-2"].state, kept["DO-2"].gate) == ("held", "unchanged")
    assert len(release_due(store, rules, POLICY, NOW + 40 * MINUTE)) == 2


def test_a_muted_rule_with_start_plan_lets_nobody_in(tmp_path: Path, store: Store) -> None:
    from smsnotify.engine.keep import starting
    from smsnotify.plans.load import load_book

    path = tmp_path / "rules.yaml"
    path.write_text(
        """
rules:
  - name: ask
    events: [delayed]
    inhibited_by: {events: completed, within: 1h}
    to: {fields: [phone_number]}
    start_plan: p
plans:
  - name: p
    steps:
      - ask: {send: "Hi"}
""",
        encoding="utf-8",
    )
    rules = load_book([path]).rules
    begun = []
    for chunk in ([line("delayed", 1)], [line("completed", 2), line("delayed", 2)]):
        begun += Intake(rules, POLICY, Rehearsal(store)).take(1, chunk, NOW).starts
    assert [draft.event.job.number for draft in begun] == ["DO-1"]
    assert starting([], store, POLICY, NOW) == []


def test_explain_tells_what_a_rule_waits_for(rules: RuleSet) -> None:
    job = rules.job_type(do_number="DO-1", phone_number="+6591230000")
    found = {
        check.name: check.actual
        for event in ("delayed", "completed", "on_hold")
        for verdict in explain(Event(event, job, "id:1"), rules)
        for check in verdict.checks
        if check.info
    }
    assert found["inhibited_by"] == "completed or failed within 30m"
    assert (found["after"], found["unless"], found["for"]) == ("20m", "feedback or failed", "40m")


def test_rules_look_no_further_back_than_the_books_go() -> None:
    assert LOOKS_BACK == RAW


def test_a_rule_that_looks_back_at_nothing_asks_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        'rules:\n  - {name: a, events: [completed], to: {fields: [phone_number]}, body: "x", '
        "after: 5m}\n",
        encoding="utf-8",
    )
    plain = load_rules([path])
    assert plain.asks == frozenset()
    memory = Rehearsal(None)
    (held,) = take(plain, memory, [line("completed")], 1)
    assert (held.reason, held.not_before) == ("waits", NOW + 5 * MINUTE)
    assert memory.happened({held.draft.event.subject}, {"completed"}) == {}
