"""Rules that alarm the firm's own people: one alarm a route, at any hour, of any length; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from smsnotify.engine.decide import judge
from smsnotify.engine.drafting import match
from smsnotify.engine.outgoing import to_message
from smsnotify.engine.requests import curl_of
from smsnotify.model.decision import Decision, Mode, Verdict
from smsnotify.model.event import Event
from smsnotify.model.facts import Facts, Policy
from smsnotify.rules.compile import RuleSet
from smsnotify.rules.load import load_rules

NIGHT = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
RULES = """
defaults: {quiet_hours: {from: "00:00", to: "23:59"}, max_segments: 1}
rules:
  - name: low-rating
    channel: apprise
    events: [feedback]
    where: {driver_rating: {lte: 2}}
    route: ops
    subject: "Low rating of {{ assign_to }}"
    body: "{{ do_number }}: {{ customer_feedback | default('no word') }}"
"""


@pytest.fixture
def rules(tmp_path: Path) -> RuleSet:
    file = tmp_path / "rules.yaml"
    file.write_text(RULES)
    return load_rules([file])


def decide(rules: RuleSet, mode: Mode = Mode.LIVE, **more: Any) -> list[Decision]:
    job = {"do_number": "DO-1", "assign_to": "Van 3", "driver_rating": "1", "phone_number": "x"}
    told = job | {"tracking_link": "https://trk.la/x", "customer_feedback": "Very rude. " * 60}
    event = Event("feedback", msgspec.convert(told, rules.job_type), "id:1", "", NIGHT)
    policy = Policy(mode=mode, country="SG", countries=frozenset({"SG"}), **more)
    return judge(match(event, rules, policy, NIGHT), Facts({}, {}), policy, NIGHT)


def test_it_goes_to_its_route_at_night_and_at_length_without_segments_or_link(
    rules: RuleSet,
) -> None:
    (one,) = decide(rules)
    assert (one.verdict, one.to, one.title) == (Verdict.SEND, "ops", "Low rating of Van 3")
    assert one.body == "DO-1: " + "Very rude. " * 60
    assert (one.segments, one.encoding) == (0, None)
    shown = one.as_json()
    assert (shown["channel"], shown["recipient"], shown["subject"]) == (
        "apprise",
        "ops",
        "Low rating of Van 3",
    )
    message = to_message(one, "m1", NIGHT)
    assert (message.route, message.on_unknown, message.country) == ("ops", "resend", "")
    assert (message.channel, message.encoding, message.segments) == ("apprise", "", 0)


def test_in_test_mode_it_goes_only_where_it_is_allowed(rules: RuleSet) -> None:
    (one,) = decide(rules, Mode.TEST, test_to="+6591230000")
    assert (one.verdict, one.gate, one.reason) == (Verdict.STOP, "mode", "not_allowed")
    (one,) = decide(rules, Mode.TEST, allow=frozenset({"ops"}))
    assert (one.verdict, one.to, one.title) == (Verdict.SEND, "ops", "Low rating of Van 3")


def test_a_rule_says_hold_and_link_where_it_wants_them(tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(f"{RULES}    on_unknown: hold\n    tracking_link: append\n")
    (one,) = decide(load_rules([file]))
    assert one.draft.terms.on_unknown == "hold"
    assert one.body.endswith("\nhttps://trk.la/x")


def test_a_heading_reads_fields_that_nothing_else_does(rules: RuleSet) -> None:
    assert {"assign_to", "customer_feedback", "driver_rating"} <= set(
        rules.job_type.__struct_fields__
    )


def test_a_request_that_is_shown_tells_no_address(rules: RuleSet) -> None:
    from smsnotify.engine.accounts import Account
    from smsnotify.providers.apprise import Apprise, AppriseSettings

    settings = AppriseSettings.model_validate({"urls": ["slack://t/o/ken"]})
    shown = curl_of(Account.of("ops", Apprise(settings)), decide(rules)[0])
    assert shown.startswith("# account ops: by apprise to 1 of its addresses\nLow rating of Van 3")
    assert "ken" not in shown


def test_what_a_customer_writes_calls_no_chat_and_what_the_rule_writes_does(
    tmp_path: Path,
) -> None:
    file = tmp_path / "calls.yaml"
    file.write_text(RULES.replace('body: "', 'body: "@here '))
    rules = load_rules([file])
    said = "@Everyone <!channel> <@U1> a@example.com 3 < 4 @heresy"
    job = {"do_number": "DO-1", "assign_to": "x", "driver_rating": "1", "customer_feedback": said}
    event = Event("feedback", msgspec.convert(job, rules.job_type), "id:1", "", NIGHT)
    policy = Policy(mode=Mode.LIVE)
    (one,) = judge(match(event, rules, policy, NIGHT), Facts({}, {}), policy, NIGHT)
    assert one.body == (
        "@here DO-1: @\u200bEveryone <\u200b!channel> <\u200b@U1> a@example.com 3 < 4 @heresy"
    )
