"""Plans that mail, and texts of plans that lead out of them."""

from __future__ import annotations

import re

from talk import ANNA, BEN, Talk

from smsnotify.engine.errands import Hands, do_errands
from smsnotify.engine.release import release_due
from smsnotify.engine.wishes import carry_out
from smsnotify.model.contact import ConsentChange, Contact
from smsnotify.model.decision import Mode
from smsnotify.model.facts import MARKETING

BASE = "https://notify.example.com"
MAILBOX = "anna@example.com"

PLANS = """plans:
  - name: letter
    enter: {keywords: [LETTER]}
    re_enter: always
    steps:
      - tell:
          channel: email
          subject: "For {{ contact.name | default('you') }}"
          send: "**Hello** {{ contact.name | default('you') }}. Out: {{ opt_out_link }}"
          wait: {for: 1d, other: end, not_delivered: by_text}
      - by_text: {send: "No mail: {{ opt_out_link | default('reply STOP') }}", end: failed}
  - name: offers
    enter: {keywords: [OFFERS]}
    purpose: marketing
    steps:
      - tell: {send: "Only today.", wait: {for: 1d, replies: {BUY: end}}}
  - name: service
    enter: {keywords: [SERVICE]}
    steps:
      - tell: {send: "Is it there?", wait: {for: 1d, other: end}}
"""


def know(talk: Talk, *addresses: str) -> None:
    contact = Contact(id="01k0anna", addresses=addresses, name="Anna", created_at=talk.now)
    talk.store.add_contacts([contact], talk.now)


def out(recipient: str, talk: Talk, scope: str = "all") -> ConsentChange:
    return ConsentChange(
        recipient=recipient, opted_out=True, source="link", at=talk.now, scope=scope
    )


def test_a_step_mails_the_contact_under_the_plan_s_key(make_talk) -> None:
    talk = make_talk(PLANS, public_url=BASE)
    know(talk, ANNA, MAILBOX)
    talk.hears("LETTER")
    (mail,) = talk.rows("messages")
    assert (mail["channel"], mail["recipient"], mail["kind"]) == ("email", MAILBOX, "plan")
    assert (mail["title"], mail["account"], mail["route"]) == ("For Anna", "", "default")
    (link,) = re.findall(r"https://\S+", mail["body"])
    assert mail["body"] == f"**Hello** Anna. Out: {link}"
    assert "\\/o\\/" in mail["markup"]
    assert talk.column("links", "recipient") == [MAILBOX]
    assert [one["message_id"] for one in talk.rows("enrolments")] == [mail["id"]]


def test_nobody_to_mail_is_a_decision_and_the_way_of_what_did_not_arrive(make_talk) -> None:
    talk = make_talk(PLANS, public_url=BASE)
    (said,) = talk.hears("LETTER")
    assert said.startswith(f"No mail: {BASE}/o/")
    told = [list(row.values()) for row in talk.rows("decisions", "channel", "verdict", "reason")]
    assert sorted(told) == [["email", "stop", "no_address"], ["sms", "send", ""]]
    assert talk.column("links", "recipient") == [ANNA]
    assert talk.column("enrolments", "state") == ["failed"]


def test_a_mailbox_that_opted_out_gets_no_mail_of_a_plan(make_talk) -> None:
    talk = make_talk(PLANS, public_url=BASE)
    know(talk, ANNA, MAILBOX)
    carry_out(talk.store, [out(MAILBOX, talk)], talk.now)
    (said,) = talk.hears("LETTER")
    assert said.startswith("No mail: ")
    assert sorted(talk.column("decisions", "reason")) == ["", "opted_out"]


def test_without_a_public_address_the_link_has_no_value(make_talk) -> None:
    talk = make_talk(PLANS)
    know(talk, ANNA, MAILBOX)
    assert talk.hears("LETTER") == ["No mail: reply STOP"]
    assert sorted(talk.column("decisions", "reason")) == ["", "missing_value"]


def test_a_tester_s_link_is_the_tester_s_own(make_talk) -> None:
    talk = make_talk(
        PLANS, public_url=BASE, mode=Mode.TEST, test_to=BEN, test_to_email="ops@example.com"
    )
    know(talk, ANNA, MAILBOX)
    talk.hears("LETTER")
    (mail,) = talk.rows("messages")
    assert (mail["recipient"], mail["title"]) == (
        "ops@example.com",
        f"TEST for {MAILBOX}: For Anna",
    )
    assert talk.column("links", "recipient") == ["ops@example.com"]


def test_a_held_mail_keeps_its_words_and_its_heading(make_talk) -> None:
    plans = PLANS.replace("- name: letter", "- name: letter\n    purpose: marketing")
    talk = make_talk(plans, public_url=BASE)
    know(talk, ANNA, MAILBOX)
    wish = ConsentChange(
        recipient=MAILBOX, opted_out=False, source="clerk", at=talk.now, scope=MARKETING
    )
    talk.store.note_consents([wish], talk.now)
    talk.later(hours=10).hears("LETTER")  # 22:00 in Singapore
    (held,) = talk.rows("messages")
    assert (held["state"], held["reason"]) == ("held", "marketing_hours")
    desk = talk.later(hours=12).desk
    release_due(talk.store, desk.book.rules, desk.policy, talk.now, plans=desk.book.plans)
    (mail,) = talk.rows("messages")
    same = ("title", "body", "markup", "recipient", "channel")
    assert mail["state"] == "queued"
    assert [mail[name] for name in same] == [held[name] for name in same]


def test_an_alert_goes_to_numbers_and_to_routes_of_alarms(make_talk) -> None:
    plan = """plans:
  - name: look
    enter: {keywords: [LOOK]}
    steps:
      - tell: {alert: "Look at {{ contact.name | default('somebody') }}"}
"""
    talk = make_talk(plan, staff=(BEN, "ops"), route="default")
    talk.hears("LOOK")
    do_errands(talk.desk, Hands(action_file=talk.folder / "actions.jsonl"), talk.now)
    told = talk.rows("messages", "channel", "recipient", "route", "body", "on_unknown")
    assert sorted(map(tuple, (row.values() for row in told))) == [
        ("apprise", "ops", "ops", "Look at somebody", "resend"),
        ("sms", BEN, "default", "Look at somebody", "hold"),
    ]


def test_an_opt_out_of_marketing_ends_marketing_plans_alone(talk: Talk) -> None:
    talk.write(PLANS)
    talk.later(hours=10)
    talk.hears("OFFERS")  # 22:00 in Singapore: held
    talk.hears("SERVICE")
    talk.hears("OFFERS", BEN)
    carry_out(talk.store, [out(ANNA, talk, MARKETING)], talk.now)
    assert talk.rows("enrolments", "plan", "number", "state") == [
        {"plan": "offers", "number": ANNA, "state": "exited"},
        {"plan": "service", "number": ANNA, "state": "waiting"},
        {"plan": "offers", "number": BEN, "state": "waiting"},
    ]
    assert talk.rows("messages", "rule", "recipient", "state") == [
        {"rule": "offers", "recipient": ANNA, "state": "cancelled"},
        {"rule": "service", "recipient": ANNA, "state": "queued"},
        {"rule": "offers", "recipient": BEN, "state": "held"},
    ]
    assert [one["path"] for one in talk.rows("transitions")].count("opted_out") == 1


def test_an_opt_out_of_marketing_knows_plans_that_left_the_files(talk: Talk) -> None:
    talk.write(PLANS)
    talk.hears("OFFERS")
    talk.write(PLANS.replace("purpose: marketing", "purpose: service"))
    carry_out(talk.store, [out(ANNA, talk, MARKETING)], talk.now)
    assert talk.column("enrolments", "state") == ["exited"]
