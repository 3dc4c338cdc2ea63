"""The short way through the usual gates says what the gates say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from smsnotify.gates.pipeline import ORDER, are_usual, gates_for, passes_usual, run_gates
from smsnotify.model.decision import Draft, Earlier, MessageKey
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.model.job import Job
from smsnotify.model.rule import RuleTerms

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
ages = st.none() | st.integers(-1, 49).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    recipient = draw(st.sampled_from(["+6591230000", "+60123456789"]))
    stamp = draw(ages)
    job = Job(do_number="DO-1", pod_at=stamp.isoformat() if stamp else None)
    limit = draw(st.sampled_from([None, timedelta(hours=1), timedelta(hours=24)]))
    return Draft(
        RuleTerms(id="r", name="r", body=lambda job: "Hi", max_age=limit),
        Event("completed", job, "id:1", "", draw(ages)),
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
    gates = gates_for(draft, facts, policy)
    assert are_usual(gates)
    ruling = run_gates(draft, facts, policy, NOW, gates)
    assert ruling == run_gates(draft, facts, policy, NOW)
    short = passes_usual(draft, facts, policy, NOW)
    assert not short or ruling is None
    # Only an event without a time of its own has to ask the gates what its job says.
    assert short or ruling is not None or draft.event.time is None


def test_any_other_gate_is_asked() -> None:
    assert not are_usual(ORDER)
