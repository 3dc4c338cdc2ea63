"""Whoever opted out gets nothing: whatever rules want, whatever waits, however facts are listed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_agreement import CAPS, NOW, PEOPLE, POLICY, RULES, lines, silence, told

from smsnotify.engine.decide import judge
from smsnotify.engine.intake import Intake
from smsnotify.engine.keep import Ticket
from smsnotify.engine.release import release_due
from smsnotify.model.contact import ConsentChange
from smsnotify.model.decision import Decision, Mode, Verdict
from smsnotify.model.event import Happening
from smsnotify.model.facts import Facts, Person
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules
from smsnotify.store.open import open_store
from smsnotify.store.rehearsal import Rehearsal
from smsnotify.store.store import Store

LIVE = msgspec.structs.replace(POLICY, mode=Mode.LIVE, allow=frozenset(), test_to="", caps=CAPS)
NUMBERS = [*PEOPLE, "+6591230002", "+6598765432"]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """Rules of every kind: with caps, digests, waits, languages, mails, alarms."""
    file = tmp_path_factory.mktemp("rules") / "rules.yaml"
    file.write_text(RULES, encoding="utf-8")
    return load_rules([file], country="SG")


def opt_out(store: Store, number: str) -> None:
    said = ConsentChange(recipient=number, opted_out=True, source="keyword", at=NOW, scope="all")
    store.note_consents([said], NOW)


def reached(decisions: list[Decision], numbers: set[str]) -> list[Decision]:
    """Return what goes, or may still go, to one of these."""
    return [
        one
        for one in decisions
        if one.verdict is not Verdict.STOP and {one.draft.recipient, one.to} & numbers
    ]


@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    today=st.lists(lines(), min_size=1, max_size=14),
    before=st.sets(st.sampled_from(NUMBERS), max_size=4),
    meanwhile=st.sets(st.sampled_from(NUMBERS), max_size=4),
    night=st.booleans(),
)
def test_no_rule_and_no_wait_ever_reaches_who_opted_out(
    rules: RuleSet,
    sqlite_template: Path,
    today: list[bytes],
    before: set[str],
    meanwhile: set[str],
    night: bool,
) -> None:
    now = NOW + timedelta(hours=10 if night else 0)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "desk.db"
        file.write_bytes(sqlite_template.read_bytes())
        with open_store(f"sqlite:///{file}") as store:
            for number in before:
                opt_out(store, number)
            taken = Intake(rules, LIVE, store, ticket=Ticket("now")).take(1, today, now)
            assert reached(taken.decisions, before) == []
            for number in meanwhile:
                opt_out(store, number)
            for hours in (1, 3, 12, 24):
                again = release_due(store, rules, LIVE, now + timedelta(hours=hours))
                judged = [one.decision for one in again if one.decision is not None]
                assert reached(judged, before | meanwhile) == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    today=st.lists(lines(), min_size=1, max_size=8),
    people=st.lists(st.tuples(st.sampled_from(NUMBERS), st.booleans(), st.booleans())),
    happened=st.lists(
        st.tuples(
            st.sampled_from(["completed", "failed", "feedback", "arrived"]), st.integers(-300, 60)
        ),
        unique_by=lambda one: one[1],
        max_size=6,
    ),
    silenced=st.lists(
        st.tuples(st.sampled_from(["", "ACME"]), st.sampled_from(["", "outcome", "late"])),
        max_size=3,
    ),
    random=st.randoms(use_true_random=False),
)
def test_what_is_known_may_be_listed_in_any_order(
    rules: RuleSet,
    today: list[bytes],
    people: list[tuple[str, bool, bool]],
    happened: list[tuple[str, int]],
    silenced: list[tuple[str, str]],
    random: Any,
) -> None:
    dry = Rehearsal(None)
    taken = Intake(rules, LIVE, dry, ticket=Ticket("now")).take(1, today, NOW).decisions
    dry.close()
    drafts = [decision.draft for decision in taken]
    persons = {number: Person(opted_out=out, in_doubt=doubt) for number, out, doubt in people}
    past = [Happening(name, NOW + timedelta(minutes=at)) for name, at in happened]
    silences = [silence(index, *one) for index, one in enumerate(silenced)]
    judged = []
    for _ in range(2):
        named = list(persons)
        for listed in (named, past, silences):
            random.shuffle(listed)
        facts = Facts(
            {},
            {number: persons[number] for number in named},
            silences=tuple(silences),
            happened={draft.event.subject: tuple(past) for draft in drafts},
            greeted=set(NUMBERS[:2]),
        )
        judged.append(told(judge(drafts, facts, LIVE, NOW)))
    assert judged[0] == judged[1]
