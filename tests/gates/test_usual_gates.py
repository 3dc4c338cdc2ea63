"""The short way through the usual gates says what the gates say."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smsnotify.gates.pipeline import (
    ORDER,
    are_usual,
    concern_of,
    gates_for,
    passes_usual,
    run_gates,
)
from smsnotify.model.caps import Cap
from smsnotify.model.decision import Draft, Earlier, MessageKey, Mode
from smsnotify.model.event import Event, Happening
from smsnotify.model.facts import Facts, Person, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import Bounds, Inhibition, QuietHours, RuleTerms
from smsnotify.model.silence import Silence

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
night = st.sampled_from([None, None, QuietHours(time(13), time(16)), QuietHours(time(1), time(2))])
bounds = st.sampled_from(
    [
        None,
        None,
        Bounds(active_from=NOW),
        Bounds(active_until=NOW),
        Bounds(active_until=NOW.replace(day=3)),
        Bounds(caps=(Cap(span="hour", hard=1),)),
        Bounds(inhibited_by=Inhibition(("failed",), HOUR)),
        Bounds(after=HOUR, unless=("failed",)),
        Bounds(unchanged=HOUR),
    ]
)
ages = st.none() | st.integers(-1, 49).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    recipient = draw(st.sampled_from(["+6591230000", "+60123456789"]))
    stamp = draw(ages)
    job = Job(do_number="DO-1", pod_at=stamp.isoformat() if stamp else None)
    limit = draw(st.sampled_from([None, timedelta(hours=1), timedelta(hours=24)]))
    return Draft(
        RuleTerms(
            id="r",
            name="r",
            body=lambda job: "Hi",
            max_age=limit,
            max_ages=draw(st.sampled_from([{}, {}, {"completed": None}, {"completed": HOUR}])),
            quiet_hours=draw(night),
            bounds=draw(bounds),
        ),
        Event(draw(st.sampled_from(["completed", "pre_job"])), job, "id:1", "", draw(ages)),
        recipient,
        MessageKey("id:1", "live", "completed", "r", "1", "sms", recipient),
        draw(st.sampled_from(["", "", "landline"])),
        draw(st.sampled_from(["SG", "MY", ""])),
    )


@given(
    drafts(),
    st.sampled_from([None, frozenset({"SG"})]),
    st.sampled_from(["", "+6591230000"]),
)
def test_the_short_way_passes_only_what_the_gates_pass(
    draft: Draft, countries: frozenset[str] | None, texted: str
) -> None:
    earlier = {draft.key._replace(recipient=texted): Earlier("m", "sent")} if texted else {}
    facts, policy = Facts(earlier, {}), Policy(countries=countries)
    facts.happened = {"id:1": [Happening("failed", NOW - HOUR)]}
    assert are_usual(facts, policy)
    ruling = run_gates(draft, facts, policy, NOW, gates_for(concern_of(draft), facts, policy))
    assert ruling == run_gates(draft, facts, policy, NOW)
    short = passes_usual(draft, facts, policy, NOW)
    assert not short or ruling is None
    # Only these have to ask the gates although nothing is wrong with them.
    odd = draft.event.name == "pre_job" or draft.terms.quiet_hours
    assert short or ruling is not None or odd or draft.terms.bounds


def test_wherever_another_gate_may_have_a_word_all_are_asked() -> None:
    assert not are_usual(Facts({}, {"+6591230000": Person()}), Policy())
    assert not are_usual(Facts({}, {}), Policy(mode=Mode.TEST))
    flood = Silence(
        id="s", reason="flood", author="kim", starts_at=NOW, ends_at=NOW + HOUR, created_at=NOW
    )
    assert not are_usual(Facts({}, {}, silences=(flood,)), Policy())
    assert not are_usual(Facts({}, {}), Policy(), ORDER[1:])
