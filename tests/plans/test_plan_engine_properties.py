"""Random plans, random inputs: what holds of the plan engine whatever happens."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from smsnotify.base.errors import MissingValueError
from smsnotify.model.contact import Contact
from smsnotify.model.enrolment import (
    Advance,
    Ended,
    Enrolment,
    Happened,
    Input,
    MovedTo,
    NotDelivered,
    Replied,
    Started,
    TimeUp,
    Waiting,
)
from smsnotify.model.plan import (
    Branch,
    Choice,
    Delay,
    Listen,
    Match,
    Other,
    Outcome,
    Plan,
    Step,
    Wait,
    Words,
)
from smsnotify.plans.engine import advance, awaits_reply, enrol

T0 = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NAMES = ("a", "b", "c", "d")
SAID = ("YES", "no", "2", "hm?", "", "yes please")


def _missing(view: object) -> str:
    raise MissingValueError("contact.nick")


def _plain(view: object) -> str:
    return f"Hello {getattr(view, 'replies__a', None)}"


words: st.SearchStrategy[Words] = st.sampled_from([_plain, _plain, _plain, _missing])
targets = st.sampled_from([*NAMES, *NAMES, "end", *Outcome, "gone"])
times = st.timedeltas(timedelta(), timedelta(days=5))
waits = st.builds(
    Wait,
    lasting=times,
    branches=st.lists(
        st.builds(Branch, st.sampled_from(["YES", "NO", "1-3"]), targets), max_size=3
    ).map(lambda some: tuple({one.key: one for one in some}.values())),
    match=st.sampled_from(list(Match)),
    other=st.none() | targets | st.builds(Other, st.none() | words, st.integers(1, 3), targets),
    no_reply=targets,
    not_delivered=targets,
)
listens = st.builds(
    Listen, events=st.just(frozenset({"completed"})), lasting=times, then=targets, otherwise=targets
)
delays = st.builds(Delay, lasting=times) | st.builds(Delay, until=st.just(time(9, 0)))
choices = st.lists(
    st.builds(Choice, targets, st.sampled_from([(), (lambda view: True,), (lambda view: False,)])),
    max_size=3,
).map(tuple)


def step(name: str) -> st.SearchStrategy[Step]:
    on = st.one_of(
        st.fixed_dictionaries({"wait": waits}),
        st.fixed_dictionaries({"listen": listens}),
        st.fixed_dictionaries({"delay": delays}),
        st.fixed_dictionaries({"decide": choices}),
        st.fixed_dictionaries({"end": st.sampled_from(Outcome)}),
        st.fixed_dictionaries({"then": targets}),
        st.fixed_dictionaries({"move_to": st.just("elsewhere")}),
        st.just({}),
    )
    does = st.fixed_dictionaries(
        {},
        optional={
            "send": words,
            "channel": st.just("email"),
            "title": words,
            "tag": st.just(("x",)),
            "goal": st.just("sale"),
            "emit": st.just("rescheduled"),
            "alert": words,
            "set": st.just({"tier": "gold"}),
            "start_plan": st.just("elsewhere"),
        },
    )
    return st.tuples(on, does).map(lambda both: Step(name=name, **{**both[0], **both[1]}))


plans = st.builds(
    Plan,
    name=st.just("p"),
    version=st.just("v1"),
    steps=st.tuples(*map(step, NAMES)).map(lambda some: {one.name: one for one in some}),
    max_life=st.timedeltas(timedelta(minutes=1), timedelta(days=9)),
    max_burst=st.integers(1, 12),
    max_steps=st.integers(1, 40),
)

gaps = st.timedeltas(-timedelta(hours=1), timedelta(days=3))
moves = st.lists(
    st.tuples(
        st.sampled_from(
            ["reply", "reply", "reply", "late", "time", "event", "lost", "move", "end"]
        ),
        gaps,
        st.sampled_from(SAID),
        st.sampled_from(NAMES),
    ),
    max_size=14,
)
CONTACT = Contact(id="c1", addresses=("+6591234567",))


def _input(kind: str, number: int, one: Enrolment, now: datetime, said: str, name: str) -> Input:
    if kind == "reply":
        return Replied(f"r{number}", said, now)
    if kind == "late":  # received in time, worked when the deadline is over
        due_at = one.due_at or now
        return Replied(f"r{number}", said, min(due_at, now))
    if kind == "event":
        return Happened("completed", f"v{number}", now)
    if kind == "lost":
        return NotDelivered(one.message_id, "unreachable")
    if kind == "move":
        return MovedTo(name)
    return Ended("by_hand") if kind == "end" and number > 8 else TimeUp()


def _drive(plan: Plan, script: list[tuple[str, timedelta, str, str]]) -> list[Advance]:
    """Play a script; every input is put in twice, the second time a second later."""
    now = T0
    one = enrol(
        plan, id="e", contact=CONTACT, number="+6591234567", mode="live", source="hand", now=now
    )
    came_to = [advance(plan, one, Started("hand"), contact=CONTACT, now=now)]
    for number, (kind, gap, said, name) in enumerate(script):
        now += gap
        before = came_to[-1].enrolment
        what = _input(kind, number, before, now, said, name)
        first = advance(plan, before, what, contact=CONTACT, now=now)
        again = advance(plan, first.enrolment, what, contact=CONTACT, now=now)
        if not isinstance(what, MovedTo):  # a clerk may mean it twice
            assert not (first.consumed and again.consumed), "the same input twice"
            assert first.consumed or first.enrolment == before
        if isinstance(what, Replied) and awaits_reply(before, what.received_at):
            assert first.consumed or first.to_inbox, "an early reply was lost to a late timer"
        came_to.append(first)
    return came_to


@settings(max_examples=400, deadline=None)
@given(plans, moves)
def test_what_holds_whatever_happens(
    plan: Plan, script: list[tuple[str, timedelta, str, str]]
) -> None:
    came_to = _drive(plan, script)
    transitions = [one for each in came_to for one in each.transitions]
    assert [one.turn for one in transitions] == list(range(1, len(transitions) + 1))
    occasions = [text.occasion for each in came_to for text in each.texts]
    assert len(occasions) == len(set(occasions))
    keys = [errand.key for each in came_to for errand in each.errands]
    assert len(keys) == len(set(keys))
    for each in came_to:
        one = each.enrolment
        assert one.turn >= len(each.transitions)
        assert sum(step.path != "again" for step in each.transitions) <= plan.max_burst + 1
        assert one.steps_taken <= plan.max_steps
        if not each.consumed:
            assert each == Advance(enrolment=one, consumed=False, to_inbox=each.to_inbox)
        if one.is_over:
            assert (one.waiting, one.due_at) == (Waiting.NOTHING, None)
            assert one.ended_at is not None
        else:
            assert one.due_at is not None
            assert one.waits_since is not None
            assert one.due_at <= one.expires_at
    over = next((each for each in came_to if each.enrolment.is_over), None)
    assert over is None or over.enrolment == came_to[-1].enrolment, "nothing after the end"
    last = came_to[-1].enrolment
    entered = Counter(
        one.to_step for one in transitions if one.path != "again" and one.to_step in plan.steps
    )
    assert dict(last.visits) == dict(entered)
    assert last.steps_taken == sum(entered.values())


@settings(max_examples=100, deadline=None)
@given(plans, moves)
def test_the_same_script_comes_to_the_same(
    plan: Plan, script: list[tuple[str, timedelta, str, str]]
) -> None:
    assert _drive(plan, script) == _drive(plan, script)
